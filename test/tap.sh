# tap.sh: what the checking scripts share.  Meant to be sourced by bash.
number=0
failed=0

# report NAME FINDINGS: a line of TAP; fails, and shows the findings, unless
# there are none.
report() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		failed=$((failed + 1))
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
	fi
}

# finish: the plan; its status says whether all was well.
finish() {
	echo "1..$number"
	[ "$failed" -eq 0 ]
}
