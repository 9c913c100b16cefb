# Prints what rcwizard wants to know of a host. $1 is the directory that files
# will go to. It changes nothing, needs no root, and takes what it can get: a
# section whose source is missing is empty. Sections begin with "@@ name";
# lines that begin with "@= name " stand alone. The last line is "@@ end".
set +eu
dir=$1
have() { command -v "$1" >/dev/null 2>&1; }
section() { printf '@@ %s\n' "$1"; }
value() { printf '@= %s %s\n' "$1" "$2"; }
# first puts the first line of a file into $r. No subshell and no program is started
# where the shell itself will do: a check asks every host at once.
first() { r=; [ -r "$1" ] && IFS= read -r r <"$1"; }
# An engine that hangs is asked again by who needs it; a program that only says its
# version answers in the end, on a busy host too.
limit=
patient=
have timeout && limit='timeout 15' && patient='timeout 60'

now=$(date +%s.%N)
case $now in *[!0-9.]* | *.) now=$(date +%s) ;; esac
value clock "$now"

first /proc/sys/kernel/osrelease
value kernel "$r"
value machine "$(uname -m)"
first /proc/sys/kernel/hostname
value hostname "$r"
first /proc/sys/kernel/random/boot_id
value boot-id "$r"
first /etc/machine-id
value machine-id "$r"
uid=$(id -u)
value user "$(id -un)"
value uid "$uid"
value groups "$(id -Gn)"
r=systemd
[ -d /run/systemd/system ] || first /proc/1/comm
value init "$r"

section os-release
cat /etc/os-release /usr/lib/os-release 2>/dev/null
section cpu
grep -c '^processor' /proc/cpuinfo
grep -m 1 -E '^(flags|Features)' /proc/cpuinfo
section memory
grep -E '^(MemTotal|MemAvailable|MemFree|SwapTotal|SwapFree):' /proc/meminfo

disk() {
	d=$2
	while [ -n "$d" ] && [ ! -e "$d" ]; do d=${d%/*}; done
	section "$1"
	df -Pk "${d:-/}" 2>/dev/null
	df -Pi "${d:-/}" 2>/dev/null
}
disk disk "$dir"

section addresses
if have ip; then
	ip -o addr show 2>/dev/null
else
	section fib-trie
	cat /proc/net/fib_trie 2>/dev/null
	section route
	cat /proc/net/route 2>/dev/null
	section if-inet6
	cat /proc/net/if_inet6 2>/dev/null
fi
section tcp
grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null

section tools
for t in bash perl python3 nc socat tar gzip sha256sum setsid flock timeout curl wget ip ss sudo docker git ufw firewall-cmd nft iptables systemctl getenforce apt-get dnf yum apk zypper; do
	have $t && echo $t
done

if [ -r /sys/fs/selinux/enforce ]; then
	first /sys/fs/selinux/enforce
	[ "$r" = 1 ] && value selinux enforcing || value selinux permissive
fi
for p in /proc/[0-9]*/comm; do
	{ IFS= read -r r <"$p"; } 2>/dev/null || continue # it may have ended
	case $r in firewalld) value firewall firewalld; break ;; esac
done
grep -qi '^ENABLED=yes' /etc/ufw/ufw.conf 2>/dev/null && value firewall ufw

root=
if [ "$uid" = 0 ]; then
	value sudo root
elif ! have sudo; then
	value sudo none
else
	e=$(LC_ALL=C sudo -n true 2>&1) && { value sudo free; root='sudo -n'; } || case $e in
	*"password is required"* | *"authentication is required"*) value sudo password ;;
	*) value sudo no ;;
	esac
fi
if [ "$uid" = 0 ] || [ -n "$root" ]; then
	if have iptables && $root iptables -S INPUT 2>/dev/null | grep -qE -- '-P INPUT DROP|-j (DROP|REJECT)'; then value firewall iptables; fi
	if have nft && $root nft list chains 2>/dev/null | grep -q 'hook input.*policy drop'; then value firewall nftables; fi
fi

if have docker; then
	# One question for the command, its plugins and the engine: docker and Compose
	# take longer to start than everything else here, and docker compose version
	# starts three of them.
	f='{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}compose={{.Version}}{{println}}{{end}}{{end}}{{.ServerVersion}} {{.DockerRootDir}}'
	nl='
'
	how=user e=
	v=$($limit docker info --format "$f" 2>&1) || {
		e=$v
		how=root
		[ -n "$root" ] && v=$($limit $root docker info --format "$f" 2>/dev/null) || { how=; v=; }
	}
	c=$e$nl$v
	case $c in
	*compose=[v0-9]*) c=${c#*compose=} c=${c%%"$nl"*} ;;
	*) c=$($patient docker compose version --short 2>/dev/null) ;;
	esac
	# What the command warns of comes first.
	l=${v##*"$nl"}
	case $l in
	[0-9]*) value docker-engine "$how $l" ;;
	*)
		value docker-error "$(printf '%s' "${e:-$v}" | tr '\n' ' ')"
		value docker-cli "$($patient docker --version 2>/dev/null)"
		;;
	esac
	value compose "$c"
fi
if have git; then value git "$(git --version 2>/dev/null)"; fi
disk docker-disk "$([ -d /var/lib/docker ] && echo /var/lib/docker || echo /var/lib)"
section end
