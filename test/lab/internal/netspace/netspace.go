// Package netspace makes network namespaces, the wires between them, and connections inside of them.
//
// A namespace is held by a file descriptor and by nothing else: no name under /run/netns, no mount.
// When the last process and the last descriptor are gone, so is the namespace with all that was in it.
package netspace

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// bridge is the name of the switch in a wire namespace.
const bridge = "br0"

// New makes a network namespace with its loopback up.
func New() (netns.NsHandle, error) {
	var ns netns.NsHandle
	err := onThread(func() error {
		// By hand: the libraries name a thread's namespace by the process id, which the supervisor's /proc,
		// that of the machine, knows by another number.
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		var err error
		ns, err = netns.GetFromPath("/proc/thread-self/ns/net")
		if err != nil {
			return fmt.Errorf("hold a network namespace: %w", err)
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("find the loopback: %w", err)
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return fmt.Errorf("bring the loopback up: %w", err)
		}
		return nil
	})
	return ns, err
}

// onThread runs f on a thread that ends with it, so that a namespace entered by f is never met by other code.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the runtime ends the thread with the goroutine.
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// Do runs f inside the network namespace ns. What f starts in other goroutines is outside of it;
// a process that f starts is inside.
func Do(ns netns.NsHandle, f func() error) error {
	return onThread(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return f()
	})
}

// handle speaks to the kernel about the network of ns: a netlink socket belongs to where it was opened.
func handle(ns netns.NsHandle) (*netlink.Handle, error) {
	var h *netlink.Handle
	err := Do(ns, func() error {
		var err error
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err //nolint:wrapcheck // the caller says what for
	})
	return h, err
}

// Of opens the network namespace of a process.
func Of(pid int) (netns.NsHandle, error) {
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return ns, fmt.Errorf("open the network namespace of process %d: %w", pid, err)
	}
	return ns, nil
}

// Dial opens a connection from inside ns. The address is a literal: name resolution would run on other threads.
func Dial(ctx context.Context, ns netns.NsHandle, network, address string) (net.Conn, error) {
	if network != "unix" {
		if _, err := netip.ParseAddrPort(address); err != nil {
			return nil, fmt.Errorf("dial %s from a namespace: %w", address, err)
		}
	}
	var conn net.Conn
	err := Do(ns, func() error {
		var err error
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err //nolint:wrapcheck // net.OpError already says what was dialled
	})
	return conn, err
}

// Listen listens inside ns. Connections can be taken anywhere.
func Listen(ctx context.Context, ns netns.NsHandle, network, address string) (net.Listener, error) {
	var l net.Listener
	err := Do(ns, func() error {
		var err error
		l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
		return err //nolint:wrapcheck // net.OpError already says what was listened on
	})
	return l, err
}

// NewWire makes a namespace that holds nothing but a switch.
func NewWire() (netns.NsHandle, error) {
	ns, err := New()
	if err != nil {
		return ns, err
	}
	h, err := handle(ns)
	if err != nil {
		return ns, fmt.Errorf("configure the wire: %w", err)
	}
	defer h.Close()
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
	if err := h.LinkAdd(br); err != nil {
		return ns, fmt.Errorf("make the wire's bridge: %w", err)
	}
	if err := h.LinkSetUp(br); err != nil {
		return ns, fmt.Errorf("bring the wire's bridge up: %w", err)
	}
	return ns, nil
}

// Attach connects ns to the wire through a port of that name, as eth0 with the address. The hardware address
// follows from the address, as a host keeps its network card over a boot: with another one, its neighbours would send
// to the old one until they learn that nobody is there, which takes them up to a minute.
func Attach(wire, ns netns.NsHandle, port string, address netip.Prefix) error {
	w, err := handle(wire)
	if err != nil {
		return fmt.Errorf("attach %s: %w", port, err)
	}
	defer w.Close()
	br, err := w.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("attach %s: %w", port, err)
	}
	veth := &netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: port, MasterIndex: br.Attrs().Index, Flags: net.FlagUp},
		PeerName:         "eth0",
		PeerNamespace:    netlink.NsFd(int(ns)),
		PeerHardwareAddr: hardwareAddress(address.Addr()),
	}
	if err := w.LinkAdd(veth); err != nil {
		return fmt.Errorf("attach %s: %w", port, err)
	}
	h, err := handle(ns)
	if err != nil {
		return fmt.Errorf("attach %s: %w", port, err)
	}
	defer h.Close()
	eth0, err := h.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("attach %s: %w", port, err)
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{
		IP:   address.Addr().AsSlice(),
		Mask: net.CIDRMask(address.Bits(), address.Addr().BitLen()),
	}}
	if address.Addr().Is6() {
		// There are no other machines on the wire: without it the address could not be bound for a second.
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := h.AddrAdd(eth0, addr); err != nil {
		return fmt.Errorf("give %s the address %s: %w", port, address, err)
	}
	if err := h.LinkSetUp(eth0); err != nil {
		return fmt.Errorf("bring %s up: %w", port, err)
	}
	return nil
}

// hardwareAddress is a locally administered one, made of the last four bytes of an address.
func hardwareAddress(a netip.Addr) net.HardwareAddr {
	b := a.AsSlice()
	return append(net.HardwareAddr{0x02, 0x77}, b[len(b)-4:]...)
}

// Plug sets the state of a port, as if its cable were pulled out or put back. It returns when the kernel carries
// packets over it again, or no longer: it takes note of a cable only about once a second.
func Plug(wire netns.NsHandle, port string, up bool) error {
	w, err := handle(wire)
	if err != nil {
		return fmt.Errorf("port %s: %w", port, err)
	}
	defer w.Close()
	link, err := w.LinkByName(port)
	if err != nil {
		return fmt.Errorf("port %s: %w", port, err)
	}
	set := w.LinkSetDown
	if up {
		set = w.LinkSetUp
	}
	if err := set(link); err != nil {
		return fmt.Errorf("port %s: %w", port, err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if link, err = w.LinkByName(port); err != nil {
			return fmt.Errorf("port %s: %w", port, err)
		}
		if (link.Attrs().OperState == netlink.OperUp) == up {
			return nil
		}
		<-tick.C
	}
	return fmt.Errorf("port %s: its state is still %s", port, link.Attrs().OperState)
}

// Detach removes a port with the wire's end and the host's end of its cable.
func Detach(wire netns.NsHandle, port string) error {
	w, err := handle(wire)
	if err != nil {
		return fmt.Errorf("detach %s: %w", port, err)
	}
	defer w.Close()
	link, err := w.LinkByName(port)
	if err != nil {
		return fmt.Errorf("detach %s: %w", port, err)
	}
	if err := w.LinkDel(link); err != nil {
		return fmt.Errorf("detach %s: %w", port, err)
	}
	return nil
}
