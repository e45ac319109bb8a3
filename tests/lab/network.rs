//! Nodes as network namespaces on one bridge that leads nowhere, each with `mgmt-br` over `mgmt-bo` as Harvester has them.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use crate::machine::{make, names, output, poll, random, run};
use crate::traffic::Traffic;

/// A node's place in the network: whether its address is in the /24 of the first node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Inside,
    Outside,
}

/// A network with its nodes, which ends with the value.
pub(crate) struct Network {
    /// Common part of all its MAC addresses, as the kernel logs it, by which its lines are recognised.
    pub(crate) mark: String,
    id: u32,
    switch: String,
    /// Namespaces and addresses.
    nodes: Vec<(String, String)>,
    /// Folder for files.
    pub(crate) folder: PathBuf,
}

/// A node: a network namespace with an address.
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) address6: String,
    namespace: String,
}

impl Network {
    pub(crate) fn new() -> Self {
        let id = random();
        let [a, b, c, d] = id.to_be_bytes();
        let folder = std::env::temp_dir().join(format!("{}{id:08x}", names()));
        make(|| fs::create_dir(&folder)).unwrap();
        let network = Self {
            mark: format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:"),
            id,
            switch: format!("{}{id:08x}-switch", names()),
            nodes: Vec::new(),
            folder,
        };
        make(|| run("ip", &["netns", "add", &network.switch]));
        run(
            "ip",
            &[
                "-n",
                &network.switch,
                "link",
                "add",
                "switch",
                "type",
                "bridge",
            ],
        );
        run(
            "ip",
            &["-n", &network.switch, "link", "set", "switch", "up"],
        );
        network
    }

    /// Adds a node.
    pub(crate) fn node(&mut self, place: Place) -> Node {
        let number = self.nodes.len() + 1;
        let [a, b, c, d] = self.id.to_be_bytes();
        // Addresses that no other lab on this machine uses, 10.52.0.0/16 aside.
        let (second, third) = (100 + a % 150, b & 0xfe);
        let third = third + u8::from(place == Place::Outside);
        let node = Node {
            address: format!("10.{second}.{third}.{}", 60 + number),
            address6: format!("fd00:{a:02x}{b:02x}:{c:02x}{d:02x}::{number}"),
            namespace: format!("{}{:08x}-{number}", names(), self.id),
        };
        self.nodes
            .push((node.namespace.clone(), node.address.clone()));
        make(|| run("ip", &["netns", "add", &node.namespace]));
        let script = format!(
            "ip link add port{number} netns {switch} type veth peer name mgmt-bo netns {own}
            ip -n {switch} link set port{number} master switch up
            ip -n {own} link add mgmt-br address {mark}{number:02x} type bridge
            ip -n {own} link set mgmt-bo master mgmt-br up
            ip -n {own} link set lo up
            ip -n {own} link set mgmt-br up
            ip -n {own} address add {address}/23 dev mgmt-br
            ip -n {own} address add {address6}/64 dev mgmt-br nodad
            ip -n {own} route add 224.0.0.0/4 dev mgmt-br",
            switch = self.switch,
            own = node.namespace,
            mark = self.mark,
            address = node.address,
            address6 = node.address6,
        );
        run("sh", &["-euc", &script]);
        // Harvester keeps bridged frames out of iptables; the setting exists only where br_netfilter is loaded.
        node.sh("f=/proc/sys/net/bridge/bridge-nf-call-ip; for t in tables 6tables; do [ ! -e $f$t ] || echo 0 >$f$t; done");
        // Links take their time: a datagram that is sent too early is lost.
        poll("a network that carries", Duration::from_secs(20), || {
            node.succeeds(&["ping", &node.address, &self.nodes[0].1])
                .then_some(())
        });
        node
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let nodes = self.nodes.iter().map(|(namespace, _)| namespace);
        for namespace in nodes.chain([&self.switch]) {
            let _ = output("ip", &["netns", "del", namespace]);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Node {
    /// Starts a program inside.
    pub(crate) fn start(&self, words: &[&str]) -> Traffic {
        Traffic::start(&self.namespace, words)
    }

    /// Runs a program inside to its end; whether that was a good one.
    pub(crate) fn succeeds(&self, words: &[&str]) -> bool {
        self.start(words).succeeds()
    }

    /// Runs a shell script inside; it must succeed.
    pub(crate) fn sh(&self, script: &str) -> String {
        run(
            "ip",
            &["netns", "exec", &self.namespace, "sh", "-euc", script],
        )
    }

    /// Runs a shell script inside.
    pub(crate) fn try_sh(&self, script: &str) -> Output {
        output(
            "ip",
            &["netns", "exec", &self.namespace, "sh", "-euc", script],
        )
    }

    /// Whether a connection from here to `port` of `to` opens.
    pub(crate) fn reaches(&self, to: &Self, port: u16) -> bool {
        self.succeeds(&["connect", &to.address, &port.to_string()])
    }

    /// Sends a SYN, and none after it.
    pub(crate) fn knock(&self, address: &str, port: u16) {
        self.succeeds(&["knock", address, &port.to_string()]);
    }
}
