//! A packet as JSON: the keys of the kernel's line in lower case, each absent where the line has none.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::packet::datagram::{
    Datagram, Extension, Header, Icmp, Inner, Security, TcpOptions, Transport,
};
use crate::packet::link::Link;
use crate::packet::{Packet, TcpFlags, proto_name};

/// Keys in the order of the line.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Adds a value, if any; a later one of the same key replaces it.
    fn put(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.retain(|(known, _)| *known != key);
            self.0.push((key, value.into()));
        }
    }

    fn text(&mut self, key: &'static str, value: Option<impl Display>) {
        self.put(key, value.map(|value| value.to_string()));
    }

    /// Adds a flag of the line, where it is set.
    fn mark(&mut self, key: &'static str, set: bool) {
        self.put(key, set.then_some(true));
    }

    fn object(self) -> Value {
        let pairs = self.0.into_iter();
        Value::Object(pairs.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Returns the fields but `shown`, in words: `len 60, df, window 64240`.
    pub(super) fn words(&self, shown: &[&str]) -> String {
        let rest = self.0.iter().filter(|(key, _)| !shown.contains(key));
        let words = rest.map(|(key, value)| match value {
            Value::Bool(_) => (*key).to_owned(),
            Value::String(text) if text.is_empty() => format!("{key} empty"),
            Value::String(text) => format!("{key} {text}"),
            other => format!("{key} {other}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Returns the fields of `packet`.
pub(super) fn packet(packet: &Packet<'_>) -> Fields {
    let mut fields = Fields::default();
    fields.put("in", Some(packet.interface));
    fields.put("out", packet.out);
    fields.put("physin", packet.physin);
    fields.put("physout", packet.physout);
    link(&mut fields, &packet.link);
    datagram(&mut fields, &packet.datagram);
    fields.put("uid", packet.uid);
    fields.put("gid", packet.gid);
    fields.put("mark", packet.mark);
    let truncated = packet.truncated || packet.datagram.truncated;
    fields.mark("truncated", truncated);
    fields
}

fn link(fields: &mut Fields, link: &Link<'_>) {
    match link {
        Link::None => {}
        Link::Raw { mac, tunnel } => {
            fields.put("mac", Some(*mac));
            fields.text("tunnel", tunnel.map(|(from, to)| format!("{from}->{to}")));
        }
        Link::Ether {
            src,
            dst,
            vlan,
            proto,
        } => {
            fields.text("macsrc", *src);
            fields.text("macdst", *dst);
            fields.text("macproto", proto.map(|number| format!("{number:04x}")));
            fields.text("vproto", vlan.map(|tag| format!("{:04x}", tag.proto)));
            fields.put("vid", vlan.map(|tag| tag.tci));
        }
    }
}

/// Adds the fields that the kernel prints for an IP packet, the packet itself or one that an ICMP error quotes.
fn datagram(fields: &mut Fields, datagram: &Datagram<'_>) {
    fields.text("src", Some(datagram.src));
    fields.text("dst", datagram.dst);
    fields.put("len", datagram.len);
    match &datagram.header {
        Header::V4(header) => {
            fields.put("tos", header.tos);
            fields.put("prec", header.prec);
            fields.put("ttl", header.ttl);
            fields.put("id", header.id);
            fields.mark("ce", header.ce);
            fields.mark("df", header.df);
            fields.mark("mf", header.mf);
            fields.put("frag", header.frag);
            fields.put("opt", header.opt);
        }
        Header::V6(header) => {
            fields.put("tc", header.tc);
            fields.put("hoplimit", header.hoplimit);
            fields.put("flowlbl", header.flowlbl);
            for extension in &header.extensions {
                self::extension(fields, *extension);
            }
        }
    }
    fields.text("proto", datagram.protocol().map(proto_name));
    transport(fields, &datagram.transport);
    fields.put("incomplete", datagram.incomplete);
}

fn extension(fields: &mut Fields, extension: Extension) {
    match extension {
        Extension::Fragment(fragment) => {
            fields.put("frag", fragment.offset);
            fields.mark("mf", fragment.more);
            fields.put("id", fragment.id);
        }
        Extension::Ah(Security::Spi(spi)) | Extension::Esp(Security::Spi(spi)) => {
            fields.put("spi", Some(spi));
        }
        Extension::Ah(Security::Incomplete(bytes))
        | Extension::Esp(Security::Incomplete(bytes)) => {
            fields.put("incomplete", Some(bytes));
        }
        Extension::Ah(Security::Hidden)
        | Extension::Esp(Security::Hidden)
        | Extension::Options
        | Extension::Unknown(_) => {}
    }
}

fn transport(fields: &mut Fields, transport: &Transport<'_>) {
    match transport {
        Transport::None => {}
        Transport::Tcp(tcp) => {
            fields.put("spt", tcp.spt);
            fields.put("dpt", tcp.dpt);
            fields.put("seq", tcp.seq);
            fields.put("ack", tcp.ack);
            fields.put("window", tcp.window);
            fields.put("res", tcp.res);
            fields.put("flags", tcp.flags.map(flags));
            fields.put("urgp", tcp.urgp);
            match tcp.opt {
                None => {}
                Some(TcpOptions::Text(text)) => fields.put("opt", Some(text)),
                Some(TcpOptions::Truncated) => fields.put("opt", Some("TRUNCATED")),
            }
        }
        Transport::Udp(udp) => {
            fields.put("spt", udp.spt);
            fields.put("dpt", udp.dpt);
            fields.put("udp_len", udp.len);
        }
        Transport::Icmp(message) => fields.put("icmp", Some(icmp(message))),
        Transport::Spi(spi) => fields.put("spi", Some(*spi)),
    }
}

fn flags(flags: TcpFlags) -> Value {
    json!(flags.names().collect::<Vec<_>>())
}

fn icmp(message: &Icmp<'_>) -> Value {
    let mut fields = Fields::default();
    fields.put("type", message.kind);
    fields.put("code", message.code);
    fields.put("id", message.id);
    fields.put("seq", message.seq);
    fields.text("gateway", message.gateway);
    fields.put("mtu", message.mtu);
    let parameter = message.parameter.map(u32::from).or(message.pointer);
    fields.put("parameter", parameter);
    fields.put("inner", message.inner.as_ref().map(inner));
    fields.object()
}

fn inner(inner: &Inner<'_>) -> Value {
    let mut fields = Fields::default();
    match inner {
        Inner::Datagram(quoted) => {
            datagram(&mut fields, quoted);
            fields.mark("truncated", quoted.truncated);
        }
        Inner::Truncated => fields.mark("truncated", true),
    }
    fields.object()
}
