# InferenceProvider.pm: the loopback provider of test/mock, for TAP tests.
#
#   my $provider = InferenceProvider->start(@options);
#       Runs server.py until the test ends; options are its own.
#   $provider->url('/v1/embeddings', 'dims=4&fault=...')
#       An address of it; query parameters as server.py describes them.
#   $provider->stats, ->reset, ->release, ->last($n)
#       What it counted; counters to zero; stalled requests let go; the last
#       $n requests.
#   $provider->dims(12)
#       Vectors are so wide from now on, where neither url nor request says.
#   $provider->wait_for(stalled => 1, ...)
#       Waits until its numbers are these; dies after a minute.
#   $provider->requests_of(sub { ... })
#       How many requests were made meanwhile.
#   $provider->vector($text, $dims)
#       What it answers for a text, as an array literal of SQL.
#   $provider->kill
#       Ends it at once, in the middle of whatever it does.
package InferenceProvider;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Select;
use JSON::PP qw(decode_json);

my $server = abs_path(dirname(__FILE__) . '/../mock/server.py');
my @running;

sub start
{
	my ($class, @options) = @_;
	my $tls = grep { $_ eq '--tls' } @options;
	my $pid = open(my $out, '-|', 'python3', $server, '--parent-pid', $$, @options)
	  or die "cannot start $server: $!";
	my $line = IO::Select->new($out)->can_read(60) ? <$out> : undef;
	my ($port, $control) = ($line // '') =~ /^PORT (\d+) CONTROL (\d+)$/;

	# Closing the pipe would wait for it.
	kill 'KILL', $pid unless $port;
	die "$server does not start" unless $port;
	my $self = bless {
		pid => $pid,
		out => $out,
		port => $port,
		control => "http://127.0.0.1:$control/_control",
		scheme => $tls ? 'https' : 'http',
		http => HTTP::Tiny->new(
			timeout => 120, proxy => undef, http_proxy => undef)
	  },
	  $class;

	push @running, $self;
	return $self;
}

sub port { return $_[0]->{port}; }

sub url
{
	my ($self, $path, $query) = @_;
	return "$self->{scheme}://127.0.0.1:$self->{port}$path" . ($query ? "?$query" : '');
}

sub control
{
	my ($self, $method, $verb) = @_;
	my $answer = $self->{http}->request($method, "$self->{control}/$verb");

	die "provider: $verb: $answer->{status} $answer->{content}" unless $answer->{success};
	return decode_json($answer->{content});
}

sub stats { return $_[0]->control('GET', 'stats'); }
sub reset { return $_[0]->control('POST', 'reset'); }
sub release { return $_[0]->control('POST', 'release'); }
sub dims { return $_[0]->control('POST', "dims?n=$_[1]"); }
sub last { return @{ $_[0]->control('GET', 'last?n=' . ($_[1] // 1)) }; }

sub wait_for
{
	my ($self, %wanted) = @_;
	my $query = join('&', map { "$_=$wanted{$_}" } keys %wanted);
	return $self->control('GET', "wait?timeout_ms=60000&$query");
}

sub requests_of
{
	my ($self, $code) = @_;

	$self->reset;
	$code->();
	return $self->stats->{requests};
}

sub vector
{
	my ($self, $text, $dims) = @_;

	open(my $out, '-|', 'python3', $server, '--vector', $text, '--dims', $dims // 8)
	  or die "cannot run $server: $!";
	my $line = <$out>;
	chomp $line;
	return '{' . join(',', @{ decode_json($line) }) . '}';
}

sub kill
{
	my ($self) = @_;

	return unless $self->{pid};
	kill 'KILL', $self->{pid};
	close $self->{out};
	delete $self->{pid};
	return;
}

END
{
	my $status = $?;
	$_->kill for @running;
	$? = $status;
}

1;
