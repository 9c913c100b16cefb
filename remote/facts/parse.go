package facts

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrCut is an output without its end: the script was cut short.
var ErrCut = errors.New("the answer is not complete")

// Parse reads the output of the script. Lines that it does not understand are
// passed over: hosts are allowed to be strange. The only error is ErrCut.
func Parse(output string) (Facts, error) {
	f := Facts{UID: -1, Tools: map[string]bool{}}
	sections := map[string][]string{}
	name, ended := "", false
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		if rest, ok := strings.CutPrefix(line, "@@ "); ok {
			name = rest
			ended = name == "end"
			continue
		}
		if rest, ok := strings.CutPrefix(line, "@= "); ok {
			key, value, _ := strings.Cut(rest, " ")
			f.set(key, strings.TrimSpace(value))
			continue
		}
		sections[name] = append(sections[name], line)
	}
	f.OS = parseOS(sections["os-release"])
	f.parseCPU(sections["cpu"])
	f.parseMemory(sections["memory"])
	f.Disk = parseDisk(sections["disk"])
	f.DockerDisk = parseDisk(sections["docker-disk"])
	f.Addresses = parseIP(sections["addresses"])
	if len(f.Addresses) == 0 {
		f.Addresses = append(parseTrie(sections["fib-trie"], sections["route"]), parseInet6(sections["if-inet6"])...)
	}
	f.Listening = parseListening(sections["tcp"])
	for _, tool := range sections["tools"] {
		if tool != "" {
			f.Tools[tool] = true
		}
	}
	slices.Sort(f.Firewalls)
	f.Firewalls = slices.Compact(f.Firewalls)
	if !ended {
		return f, ErrCut
	}
	return f, nil
}

func (f *Facts) set(key, value string) {
	switch key {
	case "clock":
		f.Clock = parseClock(value)
	case "kernel":
		f.Kernel = value
	case "machine":
		f.Machine = value
	case "hostname":
		f.Hostname = value
	case "boot-id":
		f.BootID = value
	case "machine-id":
		f.MachineID = value
	case "init":
		f.Init = value
	case "user":
		f.User = value
	case "uid":
		if n, err := strconv.Atoi(value); err == nil {
			f.UID = n
		}
	case "groups":
		f.Groups = strings.Fields(value)
	case "sudo":
		switch s := Sudo(value); s {
		case SudoRoot, SudoFree, SudoPassword, SudoNo, SudoNone:
			f.Sudo = s
			f.FirewallSeen = s == SudoRoot || s == SudoFree
		}
	case "selinux":
		f.SELinux = value
	case "firewall":
		f.Firewalls = append(f.Firewalls, value)
	case "git":
		f.Git = version(value)
	case "docker-cli":
		f.Docker.CLI = version(value)
	case "compose":
		f.Docker.Compose = version(value)
	case "docker-engine":
		how, rest, _ := strings.Cut(value, " ")
		f.Docker.Root = how == "root"
		f.Docker.Engine, f.Docker.RootDir, _ = strings.Cut(rest, " ")
	case "docker-error":
		f.Docker.Error = value
	}
}

// version is the first word that begins with a digit, without a "v" in front
// and a comma behind.
func version(s string) string {
	for word := range strings.FieldsSeq(s) {
		word = strings.TrimRight(strings.TrimPrefix(word, "v"), ",")
		if word != "" && word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return ""
}

// parseClock reads seconds with any number of decimals.
func parseClock(s string) time.Time {
	whole, frac, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec <= 0 || sec > math.MaxInt32*10 {
		return time.Time{}
	}
	frac = (frac + "000000000")[:9]
	nsec, err := strconv.ParseUint(frac, 10, 32)
	if err != nil {
		nsec = 0
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// parseOS reads os-release(5): the first value of a key counts.
func parseOS(lines []string) OS {
	values := map[string]string{}
	for _, line := range lines {
		key, value, ok := strings.Cut(line, "=")
		if _, seen := values[key]; !ok || seen {
			continue
		}
		values[key] = unquote(strings.TrimSpace(value))
	}
	return OS{
		ID: values["ID"], Version: values["VERSION_ID"], Pretty: values["PRETTY_NAME"],
		Like: strings.Fields(values["ID_LIKE"]),
	}
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		s = s[1 : len(s)-1]
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, `$`, "\\`", "`", `\\`, `\`).Replace(s)
}

func (f *Facts) parseCPU(lines []string) {
	for _, line := range lines {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && n > 0 {
				f.CPUs = n
			}
			continue
		}
		switch strings.TrimSpace(key) {
		case "flags", "Features":
			f.CPUKnown = true
			f.AVX = slices.Contains(strings.Fields(value), "avx")
		}
	}
}

func (f *Facts) parseMemory(lines []string) {
	free := int64(0)
	for _, line := range lines {
		key, value, _ := strings.Cut(line, ":")
		n := kib(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch key {
		case "MemTotal":
			f.MemoryTotal = n
		case "MemAvailable":
			f.MemoryAvailable = n
		case "MemFree":
			free = n
		case "SwapTotal":
			f.SwapTotal = n
		}
	}
	if f.MemoryAvailable == 0 {
		f.MemoryAvailable = free // kernels before 3.14
	}
}

// kib is a number of KiB in bytes; 0 if it is none.
func kib(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/1024 {
		return 0
	}
	return n * 1024
}

// parseDisk reads df -Pk and then df -Pi of one path. A device name may hold
// spaces, so fields count from the percentage.
func parseDisk(lines []string) Disk {
	var d Disk
	table := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "Filesystem") {
			table++
			continue
		}
		fields := strings.Fields(line)
		at := slices.IndexFunc(fields, func(s string) bool {
			return s == "-" || strings.HasSuffix(s, "%") && len(s) > 1
		})
		if at < 4 || at+1 >= len(fields) {
			continue
		}
		mount := strings.Join(fields[at+1:], " ")
		switch table {
		case 1:
			d.Mount, d.Size, d.Free = mount, kib(fields[at-3]), kib(fields[at-1])
		case 2:
			d.Inodes, d.InodesFree = count(fields[at-3]), count(fields[at-1])
		}
	}
	return d
}

func count(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// parseIP reads ip -o addr show:
// 2: eth0    inet 192.0.2.1/24 brd … scope global eth0\       valid_lft …
func parseIP(lines []string) []Address {
	var out []Address
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[2] != "inet" && fields[2] != "inet6" {
			continue
		}
		text := fields[3]
		if !strings.Contains(text, "/") { // point to point
			text += "/32"
			if fields[2] == "inet6" {
				text = fields[3] + "/128"
			}
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		name, _, _ := strings.Cut(fields[1], "@")
		out = append(out, Address{Interface: strings.TrimSuffix(name, ":"), Prefix: p})
	}
	return out
}

// parseTrie reads /proc/net/fib_trie: a line "|-- ADDRESS" with "/32 host
// LOCAL" after it is an address of the host. The interface and the length of
// the network come from /proc/net/route.
func parseTrie(lines, routes []string) []Address {
	var out []Address
	var last netip.Addr
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "|-- "); ok {
			last, _ = netip.ParseAddr(rest)
			continue
		}
		if !strings.HasPrefix(line, "/32 host LOCAL") || !last.Is4() {
			continue
		}
		a := Address{Prefix: netip.PrefixFrom(last, 32)}
		if last.IsLoopback() {
			a = Address{Interface: "lo", Prefix: netip.PrefixFrom(last, 8)}
		}
		for _, r := range routes {
			fields := strings.Fields(r)
			if len(fields) < 8 {
				continue
			}
			net, ok1 := hostOrder(fields[1])
			mask, ok2 := hostOrder(fields[7])
			if !ok1 || !ok2 || mask == 0 {
				continue
			}
			b := last.As4()
			if binary.BigEndian.Uint32(b[:])&mask == net {
				a = Address{Interface: fields[0], Prefix: netip.PrefixFrom(last, ones(mask))}
				break
			}
		}
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func ones(mask uint32) int {
	n := 0
	for ; mask&0x80000000 != 0; mask <<= 1 {
		n++
	}
	return n
}

// hostOrder reads an IPv4 address of /proc/net, which is a number in the
// machine's byte order; all machines that Docker runs on here are
// little-endian.
func hostOrder(s string) (uint32, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b), true
}

// parseInet6 reads /proc/net/if_inet6:
// fe80…0001 02 40 20 80     eth0
func parseInet6(lines []string) []Address {
	var out []Address
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		b, err := hex.DecodeString(fields[0])
		bits, err2 := strconv.ParseUint(fields[2], 16, 8)
		if err != nil || err2 != nil || len(b) != 16 || bits > 128 {
			continue
		}
		out = append(out, Address{Interface: fields[5], Prefix: netip.PrefixFrom(netip.AddrFrom16([16]byte(b)), int(bits))})
	}
	return out
}

// parseListening reads lines of /proc/net/tcp and tcp6 in state 0A.
func parseListening(lines []string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != "0A" {
			continue
		}
		host, port, _ := strings.Cut(fields[1], ":")
		n, err := strconv.ParseUint(port, 16, 16)
		b, err2 := hex.DecodeString(host)
		if err != nil || err2 != nil {
			continue
		}
		// Each group of four bytes is a number in the machine's byte order.
		for i := 0; i+4 <= len(b); i += 4 {
			slices.Reverse(b[i : i+4])
		}
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			continue
		}
		ap := netip.AddrPortFrom(addr.Unmap(), uint16(n))
		if !slices.Contains(out, ap) {
			out = append(out, ap)
		}
	}
	slices.SortFunc(out, func(a, b netip.AddrPort) int { return a.Compare(b) })
	return out
}
