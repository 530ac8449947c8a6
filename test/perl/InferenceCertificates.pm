# InferenceCertificates.pm: certificates for servers of TAP tests.
#
#   my $dir = InferenceCertificates::directory();
#       Where they are: NAME.crt, NAME.key.
#   InferenceCertificates::authority('ours');
#       An authority of that name.
#   InferenceCertificates::certificate('name', 'ours', 'IP:127.0.0.1', '-days', '30');
#       A certificate that it has signed, for these names.
package InferenceCertificates;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

my $dir;

sub directory
{
	$dir = $PostgreSQL::Test::Utils::tmp_check . '/tls';
	mkdir $dir;
	return $dir;
}

sub openssl
{
	system_or_bail('openssl', @_);
	return;
}

sub authority
{
	my ($name) = @_;

	openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30',
		'-subj', "/CN=$name", '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt");
	return;
}

sub certificate
{
	my ($name, $authority, $san, @validity) = @_;

	append_to_file("$dir/$name.ext", "subjectAltName=$san\n");
	openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', "/CN=$name",
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
	openssl('x509', '-req', '-in', "$dir/$name.csr", '-CA', "$dir/$authority.crt",
		'-CAkey', "$dir/$authority.key", '-CAcreateserial', '-extfile', "$dir/$name.ext",
		'-out', "$dir/$name.crt", @validity);
	return;
}

1;
