use strict; use Socket qw(:all); use Errno (); use Fcntl;
END { $? = 70 if $? }
my ($mark, $left, @args) = @ARGV;
$SIG{PIPE} = "IGNORE"; $| = 1;
sub say { print join(" ", @_), "\n" or exit 0 }
say("TOOL", "perl");
my (%going, %open);
for (my $i = 0; $i < @args; $i += 3) {
  my ($ip, $port, $id) = @args[$i .. $i + 2]; my $six = $ip =~ /:/;
  socket(my $s, $six ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or do { say("ERR", $i / 3, $! + 0, "$!"); next };
  fcntl($s, F_SETFL, O_NONBLOCK);
  my $n = inet_pton($six ? AF_INET6 : AF_INET, $ip);
  if (connect($s, $six ? pack_sockaddr_in6($port, $n) : pack_sockaddr_in($port, $n)) || $! == Errno::EINPROGRESS()) {
    $going{fileno $s} = [$s, $i / 3, $id];
  } else {
    # Nothing was sent: for ENETUNREACH that means that there is no route.
    say($! == Errno::ENETUNREACH() ? "NOROUTE" : "ERR", $i / 3, $! + 0, "$!");
  }
}
while ((%going || %open) && $left > 0) {
  my ($r, $w, $n) = ("", "");
  vec($r, $_, 1) = 1 for keys %open; vec($w, $_, 1) = 1 for keys %going;
  ($n, $left) = select($r, $w, undef, $left);
  next if $n < 1;
  for my $f (keys %open) {
    next unless vec($r, $f, 1);
    my ($s, $i) = @{delete $open{$f}};
    my $got = sysread($s, my $b, 64);
    my ($line) = split /\n/, $b || ""; $line = "" unless defined $line; $line =~ s/\r$//; $line =~ s/[^ -~]/./g;
    say($got ? "HEARD" : "CLOSED", $i, $line);
  }
  for my $f (keys %going) {
    next unless vec($w, $f, 1);
    my ($s, $i, $id) = @{delete $going{$f}};
    my $e = unpack("i", getsockopt($s, SOL_SOCKET, SO_ERROR));
    if ($e) { $! = $e; say("ERR", $i, $e, "$!") }
    elsif ($id eq "-") { say("OPEN", $i) }
    else { syswrite($s, "$id\n"); $open{$f} = [$s, $i] }
  }
}
say("SILENT", $_->[1]) for values %open;
say("TIME", $_->[1]) for values %going;
