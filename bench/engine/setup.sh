# setup.sh: what run and agree share.  Meant to be sourced by bash.
#
# Installs packages, builds the engine and its peers in a temporary folder, and
# makes models and ONNX Runtime's module in one that stays, 4 GB of
# $INFERENCE_BENCH_CACHE or ${TMPDIR:-/tmp}/inference-engine-bench; sets
# engine_arguments for compare.py and agree.py.
source "$(dirname "${BASH_SOURCE[0]}")/../../script/lib.sh"

bench_dir=$root_dir/bench/engine
cache_dir=${INFERENCE_BENCH_CACHE:-${TMPDIR:-/tmp}/inference-engine-bench}
onnxruntime_version=1.30.0

install_postgres build-essential libcurl4-openssl-dev libicu-dev libjson-c-dev libssl-dev pkg-config \
	libdnnl-dev python3-numpy python3-onnx python3-torch util-linux
command -v npm >/dev/null || install_packages nodejs npm
make_work_dir
mkdir -p "$cache_dir"

say "Building"
copy_sources "$work/src"
make -s -j2 -C "$work/src" PG_CONFIG="/usr/lib/postgresql/$postgres_major/bin/pg_config" with_llvm=no inference-engine \
	>"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2; die "the engine does not build"; }
mkdir "$work/programs"
mv "$work/src/inference-engine" "$work/programs"
read -r -a libraries <<<"$(pkg-config --libs icu-uc json-c libcrypto)"
cc -std=gnu11 -D_GNU_SOURCE -O2 -I"$root_dir/src" -o "$work/programs/ours" \
	"$bench_dir/ours.c" "$bench_dir/resident.c" "$work"/src/src/engine/*.o \
	"$work/src/src/json/json_scan.o" "$work/src/src/json/json_tree.o" "${libraries[@]}" -lm -lpthread
cc -std=gnu11 -D_GNU_SOURCE -O3 -march=native -ffast-math -fopenmp -o "$work/programs/peer_onednn" \
	"$bench_dir"/peer_onednn*.c "$bench_dir/resident.c" -ldnnl -lm

# Its install script would fetch what it does not need here.
if [ ! -d "$cache_dir/node_modules/onnxruntime-node" ]; then
	say "Installing onnxruntime-node $onnxruntime_version"
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$cache_dir" \
		"onnxruntime-node@$onnxruntime_version" >&2
fi

say "Models in $cache_dir"
/usr/bin/python3 "$bench_dir/make_models.py" "$cache_dir/models" >&2
engine_arguments=(--programs "$work/programs" --folder "$cache_dir/models" --modules "$cache_dir/node_modules")
