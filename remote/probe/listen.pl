use strict; use Socket qw(:all); use Errno ();
END { $? = 70 if $? }
my ($mark, $nonce, $ttl, @args) = @ARGV;
$SIG{PIPE} = "IGNORE"; $| = 1;
my (%door, %guest, @fds);
sub say { print join(" ", @_), "\n" or exit 0 }
say("TOOL", "perl");
for (my $i = 0; $i < @args; $i += 2) {
  my ($ip, $port) = @args[$i, $i + 1]; my $six = $ip =~ /:/;
  my $bad = sub { say("ERR", $i / 2, $! + 0, "$!") };
  socket(my $s, $six ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or do { $bad->(); next };
  setsockopt($s, SOL_SOCKET, SO_REUSEADDR, pack("i", 1));
  setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, pack("i", 1)) if $six;
  my $n = inet_pton($six ? AF_INET6 : AF_INET, $ip);
  defined $n or do { $! = Errno::EINVAL(); $bad->(); next };
  bind($s, $six ? pack_sockaddr_in6($port, $n) : pack_sockaddr_in($port, $n)) or do { $bad->(); next };
  listen($s, 128) or do { $bad->(); next };
  $door{fileno $s} = [$s, $i / 2]; say("READY", $i / 2);
}
my $end = time + $ttl; my $closing = 0;
sub leave { my $g = delete $guest{$_[0]}; (my $id = $g->[4]) =~ s/[^0-9]//g; say("CONN", $g->[1], $g->[2], substr($id, 0, 9)); close $g->[0] }
while (%door) {
  my $now = time;
  $guest{$_}[3] < $now and leave($_) for keys %guest;
  if ($now >= $end) { say("TTL"); last }
  last if $closing > 3 || $closing && !%guest;
  my $r = ""; vec($r, $_, 1) = 1 for keys %door, keys %guest; vec($r, 0, 1) = 1 unless $closing;
  my $n = select($r, undef, undef, $closing ? 0.1 : %guest ? 1 : $end - $now);
  if ($n < 1) { $closing++ if $closing; next }
  for my $f (keys %guest) {
    next unless vec($r, $f, 1);
    my $got = sysread($guest{$f}[0], my $b, 64);
    $guest{$f}[4] .= $b if $got;
    leave($f) if !$got || length $guest{$f}[4] > 64;
  }
  for my $f (keys %door) {
    next unless vec($r, $f, 1);
    my $from = accept(my $c, $door{$f}[0]) or next;
    my $n = sockaddr_family($from) == AF_INET6 ? inet_ntop(AF_INET6, (unpack_sockaddr_in6($from))[1]) : inet_ntoa((unpack_sockaddr_in($from))[1]);
    syswrite($c, "RCWZ $nonce\n");
    $guest{fileno $c} = [$c, $door{$f}[1], $n, time + 10, ""];
  }
  if (vec($r, 0, 1)) { $closing = 1 unless sysread(STDIN, my $b, 512) }
}
leave($_) for keys %guest;
