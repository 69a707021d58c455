package outward

import "net/netip"

// inward are addresses that global unicast would let through and that lead
// nowhere outside, or to somewhere inside by a detour. RFC 6890 and its registries.
var inward = prefixes(
	"0.0.0.0/8",       // this host
	"100.64.0.0/10",   // shared by carriers' customers
	"192.0.0.0/24",    // protocols
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // relays to IPv6
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved, broadcast
	"2001::/23",       // protocols, Teredo with an IPv4 address inside
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4, with an IPv4 address inside
	"3fff::/20",       // documentation
)

// outwardV6 is all of IPv6 that is given to networks of the world; NAT64, local and
// mapped addresses lie outside of it.
var outwardV6 = netip.MustParsePrefix("2000::/3")

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, p := range all {
		out[i] = netip.MustParsePrefix(p)
	}
	return out
}

// Public says whether an address lies in the world outside.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid(), !a.IsGlobalUnicast(), a.IsPrivate():
		return false
	case a.Is6() && !outwardV6.Contains(a):
		return false
	}
	return !within(inward, a)
}

func within(all []netip.Prefix, a netip.Addr) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
