//! Which addresses nothing is sent to: pure. This file alone names ipnet.
//!
//! Whoever may write a webhook's URL must not come by it at what answers to this machine alone: the
//! metadata service of a cloud hands out credentials. Private networks are no such thing, for
//! receivers live there; whoever wants them blocked too says so with `webhooks.deny`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What is blocked where nothing is said, and what it is.
///
/// RFC 3927 and RFC 4291 section 2.5.6; the metadata services of
/// [AWS](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html),
/// [Google](https://cloud.google.com/compute/docs/metadata/querying-metadata),
/// [Alibaba](https://www.alibabacloud.com/help/en/ens/instance-metadata) and Oracle's classic one;
/// [Azure](https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16) has
/// it beside the link-local one.
const BLOCKED: [(IpNet, &str); 7] = [
    (v4([169, 254, 0, 0], 16), "is link-local"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "is link-local"),
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), METADATA),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), METADATA),
    (v4([100, 100, 100, 200], 32), METADATA),
    (v4([192, 0, 0, 192], 32), METADATA),
    (v4([168, 63, 129, 16], 32), METADATA),
];

const METADATA: &str = "is the metadata service of a cloud";

/// Which addresses may be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Networks that may be reached whatever else is said.
    allow: Vec<IpNet>,
    /// Networks that may not, besides those that are blocked by default.
    deny: Vec<IpNet>,
}

impl Policy {
    /// Takes networks, or bare addresses, as `webhooks.allow` and `webhooks.deny` have them.
    ///
    /// # Errors
    /// One sentence that begins with the place, such as `allow[0]`, and names the text.
    pub(crate) fn parse(allow: &[String], deny: &[String]) -> Result<Self, String> {
        let all = |list: &[String], place: &str| {
            let networks = list.iter().enumerate().map(|(index, text)| {
                network(text).map_err(|problem| format!("{place}[{index}]: `{text}` {problem}"))
            });
            networks.collect::<Result<Vec<IpNet>, String>>()
        };
        Ok(Self { allow: all(allow, "allow")?, deny: all(deny, "deny")? })
    }

    /// Says why an address may not be connected to; none where it may.
    ///
    /// An address that only wraps another, as a translator or a tunnel takes it, is no better than
    /// the one within; but where it is allowed itself, the one within is not asked for.
    pub(crate) fn refuses(&self, address: IpAddr) -> Option<String> {
        let outer = address.to_canonical();
        let mut address = outer;
        while !self.allows(address) {
            if let Some(why) = self.blocks(address) {
                return Some(if address == outer {
                    format!("{outer} {why}")
                } else {
                    format!("{outer} stands for {address}, which {why}")
                });
            }
            address = within(address)?;
        }
        None
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(&address))
    }

    fn blocks(&self, address: IpAddr) -> Option<String> {
        let denied = self.deny.iter().find(|network| network.contains(&address));
        let denied = denied.map(|network| format!("is in {network}, which webhooks.deny names"));
        denied.or_else(|| {
            let (_, why) = BLOCKED.iter().find(|(network, _)| network.contains(&address))?;
            Some((*why).to_owned())
        })
    }
}

/// Parses a network or a bare address. One of IPv6 that stands for IPv4 becomes that, since that is
/// what is compared.
fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network: IpNet = parsed.ok_or("is neither an address nor a network such as 10.0.0.0/8")?;
    if network.addr() != network.network() {
        let (whole, one) = (network.trunc(), network.addr());
        return Err(format!("is ambiguous: write {whole} for the network, {one} for the address"));
    }
    let IpNet::V6(mapped) = network else {
        return Ok(network);
    };
    let inner = mapped.addr().to_ipv4_mapped().zip(mapped.prefix_len().checked_sub(96));
    let inner = inner.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    Ok(inner.map_or(network, IpNet::V4))
}

/// Returns the address that another stands for.
///
/// Of IPv6: IPv4-compatible (RFC 4291 section 2.5.5.1), NAT64 by its well-known prefix and by the
/// one for local use (RFC 6052, RFC 8215; a /96 of it, which is the usual way), and 6to4 (RFC
/// 3056). What Linux takes for this machine when it is connected to, besides.
fn within(address: IpAddr) -> Option<IpAddr> {
    let address = match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => return Some(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(Ipv6Addr::LOCALHOST) => return None,
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => return Some(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V6(address) => address,
    };
    let octets = address.octets();
    let [.., a, b, c, d] = octets;
    let last = Ipv4Addr::new(a, b, c, d);
    match address.segments() {
        [0, 0, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] => {
            Some(last.into())
        }
        [0x2002, ..] => Some(Ipv4Addr::new(octets[2], octets[3], octets[4], octets[5]).into()),
        _ => None,
    }
}

const fn v4(address: [u8; 4], length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from_octets(address), length))
}

const fn v6(address: [u16; 8], length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_segments(address), length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(allow: &[&str], deny: &[&str]) -> Policy {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Policy::parse(&owned(allow), &owned(deny)).unwrap()
    }

    fn refused(policy: &Policy, address: &str) -> Option<String> {
        policy.refuses(address.parse().unwrap())
    }

    fn problem(text: &str) -> String {
        Policy::parse(&[], &["::1".to_owned(), text.to_owned()]).unwrap_err()
    }

    #[test]
    fn link_local_addresses_and_metadata_services_are_blocked_by_default() {
        let none = Policy::default();
        for address in ["169.254.169.254", "169.254.0.0", "169.254.255.255", "fe80::1", "febf::1"] {
            assert_eq!(refused(&none, address).unwrap(), format!("{address} is link-local"));
        }
        for address in
            ["fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"]
        {
            let why = refused(&none, address).unwrap();
            assert_eq!(why, format!("{address} is the metadata service of a cloud"));
        }
    }

    #[test]
    fn the_page_names_what_is_blocked_by_default() {
        let page = include_str!("../../docs/webhooks.md");
        for (network, _) in BLOCKED {
            let whole = network.prefix_len() == network.max_prefix_len();
            let shown = if whole { network.addr().to_string() } else { network.to_string() };
            assert!(page.contains(&format!("`{shown}`")), "{shown}");
        }
    }

    #[test]
    fn receivers_in_private_networks_are_reached() {
        let addresses = "127.0.0.1 10.0.0.1 192.168.1.1 172.16.0.1 100.100.100.201 168.63.129.17 \
             169.253.255.255 169.255.0.0 0.0.0.0 8.8.8.8 ::1 :: fd00::1 fec0::1 2001:db8::1 \
             ::ffff:10.0.0.1 64:ff9b::808:808";
        for address in addresses.split_whitespace() {
            assert_eq!(refused(&Policy::default(), address), None, "{address}");
        }
    }

    #[test]
    fn an_address_that_wraps_a_blocked_one_is_blocked() {
        let none = Policy::default();
        let plain = refused(&none, "::ffff:169.254.169.254").unwrap();
        assert_eq!(plain, "169.254.169.254 is link-local");
        for address in [
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            let why = refused(&none, address).unwrap();
            assert!(why.ends_with(" stands for 169.254.169.254, which is link-local"), "{why}");
        }
        let why = refused(&policy(&[], &["127.0.0.0/8", "::1"]), "0.0.0.0").unwrap();
        assert!(why.starts_with("0.0.0.0 stands for 127.0.0.1, which is in 127.0.0.0/8"), "{why}");
        assert!(refused(&policy(&[], &["::1"]), "::").is_some());
    }

    #[test]
    fn what_is_denied_is_named_and_what_is_allowed_wins() {
        let some = policy(&["10.1.0.0/16", "169.254.169.254"], &["10.0.0.0/8", "fd00::/8"]);
        assert_eq!(
            refused(&some, "10.2.3.4").unwrap(),
            "10.2.3.4 is in 10.0.0.0/8, which webhooks.deny names"
        );
        assert!(refused(&some, "::ffff:10.2.3.4").is_some());
        assert!(refused(&some, "fd12::1").is_some());
        assert!(refused(&some, "169.254.169.253").is_some());
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "169.254.169.254", "11.0.0.1"] {
            assert_eq!(refused(&some, address), None, "{address}");
        }
        let wrapped = "64:ff9b::169.254.169.254";
        assert_eq!(refused(&some, wrapped), None);
        assert!(refused(&policy(&["169.254.169.254"], &["64:ff9b::/96"]), wrapped).is_some());
        assert_eq!(refused(&policy(&["64:ff9b::/96"], &[]), wrapped), None);
        assert_eq!(refused(&policy(&["0.0.0.0/0", "::/0"], &["0.0.0.0/0"]), wrapped), None);
    }

    #[test]
    fn a_network_may_be_written_as_one_that_is_mapped() {
        let some = policy(&[], &["::ffff:10.0.0.0/104", "::ffff:192.0.2.1"]);
        assert_eq!(some, policy(&[], &["10.0.0.0/8", "192.0.2.1/32"]));
    }

    #[test]
    fn what_is_no_network_is_named_with_its_list() {
        for text in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.0/8 ", "1/8"] {
            let expected = format!("deny[1]: `{text}` is neither an address nor a network");
            assert!(problem(text).starts_with(&expected), "{}", problem(text));
        }
        assert_eq!(
            problem("10.0.0.5/8"),
            "deny[1]: `10.0.0.5/8` is ambiguous: write 10.0.0.0/8 for the network, 10.0.0.5 for \
             the address"
        );
        let allow = Policy::parse(&["x".to_owned()], &[]).unwrap_err();
        assert!(allow.starts_with("allow[0]: `x` is neither"), "{allow}");
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_a_panic(text: String, near in "[0-9a-f:./]{0,24}") {
            for text in [text, near] {
                let shown = format!("allow[0]: `{text}` ");
                if let Err(problem) = Policy::parse(&[text], &[]) {
                    prop_assert!(problem.starts_with(&shown), "{}", problem);
                }
            }
        }

        #[test]
        fn every_wrapping_of_an_address_is_judged_as_the_address(
            bits: u32, near in 0..=0xffff_u32, network: u32, length in 0..=32_u8,
        ) {
            let network = Ipv4Net::new(network.into(), length).unwrap().trunc().to_string();
            let policy = policy(&[], &[&network]);
            for bits in [bits, 0xa9fe_0000 | near] {
                let plain = policy.refuses(Ipv4Addr::from(bits).into()).is_some();
                let (high, low) = (bits >> 16, bits & 0xffff);
                for text in [
                    format!("::ffff:{high:x}:{low:x}"),
                    format!("64:ff9b::{high:x}:{low:x}"),
                    format!("2002:{high:x}:{low:x}::1"),
                ] {
                    prop_assert_eq!(refused(&policy, &text).is_some(), plain, "{}", text);
                }
            }
        }

        #[test]
        fn nothing_is_refused_where_everything_is_allowed(bits: u128, four: u32) {
            let policy = policy(&["0.0.0.0/0", "::/0"], &["0.0.0.0/0", "::/0"]);
            prop_assert_eq!(policy.refuses(Ipv6Addr::from(bits).into()), None);
            prop_assert_eq!(policy.refuses(Ipv4Addr::from(four).into()), None);
        }
    }
}
