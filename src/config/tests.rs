use super::Config;
use crate::date::Date;

fn parsed(text: &str) -> Result<Config, String> {
    let today = Date::parse("2026-05-05").unwrap();
    Config::parse("d.toml", text, today).map_err(|why| why.to_string())
}

#[test]
fn every_key_is_read() {
    let config = parsed(
        r#"
[cluster]
node-net = ["192.168.122.0/24", "fd00::/64"]
pod-cidr = "10.52.0.0/16"
addons = ["rancher-monitoring"]
no-addons = ["kubeovn-operator"]
role = "worker"
prefix = "FW_DROP_"
limit = "20/min:5"
settle = "10min"
utc-offset = "+02:00"

[[node]]
name = "harvester3"
role = "witness"
address = ["192.168.122.63", "fd00::63"]

[[accept]]
verdict = "missing-rule"
node = "harvester1"
proto = "tcp"
port = 5900
peer = "192.168.122.200/32"
cause = "unlisted-port"
reason = "VNC"
until = 2027-03-31
"#,
    );
    let config = config.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(
        config.node_nets.map(|nets| (nets.value.len(), nets.line)),
        Some((2, 3))
    );
    assert_eq!(config.addons.len(), 2);
    assert_eq!(
        config.settle.map(|settle| settle.value).as_deref(),
        Some("10min")
    );
    assert_eq!(config.nodes[0].addresses.len(), 2);
    let accept = &config.acceptances[0];
    assert_eq!(
        (accept.proto, accept.port, accept.origin.as_str()),
        (Some(6), Some(5900), "d.toml:18")
    );
}

#[test]
fn what_is_wrong_is_told_by_its_line() {
    const ACCEPT: &str =
        "[[accept]]\nverdict = \"missing-rule\"\nproto = \"tcp\"\nport = 5900\nreason = \"r\"\n";
    for (text, said) in [
        (
            "[clutser]\n",
            "d.toml:1: unknown key `clutser` in the file; did you mean `cluster`?",
        ),
        (
            "\n[cluster]\nnode_net = []\n",
            "d.toml:3: unknown key `node_net` in [cluster]; did you mean `node-net`?",
        ),
        (
            "[cluster]\nnode-net = [\"10.0.0\"]\n",
            "d.toml:2: `10.0.0` is no network",
        ),
        (
            "[cluster]\nnode-net = 5\n",
            "d.toml:2: `node-net` is a list of texts: node-net = [",
        ),
        (
            "[cluster]\naddons = [\"rancher-monitorin\"]\n",
            "did you mean `rancher-monitoring`?",
        ),
        (
            "cluster = 1\n",
            "d.toml:1: `cluster` is a table: write [cluster]",
        ),
        (
            "[node]\nname = \"a\"\n",
            "d.toml:1: `node` is a list of tables: write [[node]]",
        ),
        (
            "[[node]]\nrole = \"worker\"\n",
            "d.toml:1: a [[node]] needs its name",
        ),
        (
            "[[node]]\nname = \"a\"\nrole = \"wroker\"\n",
            "d.toml:3: unknown role `wroker`; did you mean `worker`?",
        ),
        (
            "[[node]]\nname = \"a\"\n[[node]]\nname = \"a\"\n",
            "d.toml:3: the node `a` stands on line 1 already",
        ),
        (
            "[cluster]\nsettle = 5\n",
            "d.toml:2: `settle` is a text in quotes",
        ),
        ("a = = 1\n", "d.toml:1: this is no TOML: "),
        (
            "[cluster]\nrole = \"worker\"\nrole = \"worker\"\n",
            "d.toml:3: this is no TOML: ",
        ),
        (ACCEPT, "d.toml:1: an [[accept]] needs its last day"),
        (
            &format!("{ACCEPT}until = 2027-05-07\n"),
            "d.toml:6: until = 2027-05-07 is more than 366 days ahead of today",
        ),
        (
            &format!("{ACCEPT}until = 2027-05-06T00:00:00Z\n"),
            "d.toml:6: `until` is a date alone",
        ),
        (
            &format!("{ACCEPT}until = 2027-05-06\nfoo = 1\n"),
            "d.toml:7: unknown key `foo` in [[accept]]",
        ),
        (
            "[[accept]]\nverdict = \"missing-rule\"\nreason = \"r\"\nuntil = 2026-06-01\n",
            "needs proto and port",
        ),
        (
            "[[accept]]\nverdict = \"missing\"\nreason = \"r\"\nuntil = 2026-06-01\n",
            "d.toml:2: no verdict `missing`; did you mean `missing-rule`?",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nid = \"12\"\nreason = \"r\"\nuntil = 2026-06-01\n",
            "d.toml:3: `12` is no id",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nproto = \"icmp\"\nport = 8\nreason = \"r\"\nuntil = 2026-06-01\n",
            "d.toml:4: this proto has no ports",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nproto = \"tcp\"\nreason = \"r\"\nuntil = 2026-06-01\n",
            "d.toml:1: an [[accept]] needs the port",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nproto = \"tcp\"\nport = 70000\nreason = \"r\"\nuntil = 2026-06-01\n",
            "d.toml:4: `port` is a number from 0 to 65535",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nproto = \"tcp\"\nport = 7\nreason = \" \"\nuntil = 2026-06-01\n",
            "d.toml:5: the reason is empty",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nproto = \"tcp\"\nport = 7\nreason = \"r\"\nuntil = 2026-06-01\ncause = \"outside\"\n",
            "d.toml:7: no cause `outside`; did you mean `outside-peer`?",
        ),
        (
            "[[accept]]\nverdict = \"review\"\nproto = \"tcp\"\nport = 7\npeer = []\nreason = \"r\"\nuntil = 2026-06-01\n",
            "a network in `peer`",
        ),
    ] {
        match parsed(text) {
            Ok(_) => panic!("taken:\n{text}"),
            Err(why) => assert!(why.contains(said), "{why}\nis not: {said}"),
        }
    }
    assert!(parsed(&format!("{ACCEPT}until = 2027-05-06\n")).is_ok());
    assert!(
        parsed(&format!("{ACCEPT}until = 2020-01-01\n")).is_ok(),
        "what ended is told in the report"
    );
    assert!(parsed("").is_ok());
}
