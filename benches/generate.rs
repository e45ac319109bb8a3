//! Writes a corpus to measure with: `generate KIND MEBIBYTES`, the same bytes each time.
//!
//! `dense` is drop lines alone, 15 % of them from random sources: more flows than any log has. `mixed` is 2 % drop lines
//! among what else a kernel writes, `rare` 0.1 %. `json` is a kernel's log with 45 % drop lines as `journalctl -o json` writes
//! it, `export` one with 30 % as `systemd-journal-remote` takes it, and `node` a node's whole journal, 1 % of it the kernel's,
//! the rest text and JSON of containers. Their lines are much alike.
//!
//! `varied` and `varied-mixed` have the whole variety of the kernel's grammar instead: interfaces, PHYSIN and MARK, all
//! protocols, IPv6, options, flags, three forms of stamps. `nodes` is a central syslog of 50 nodes, drop lines alone, and
//! `loki` what `logcli -o jsonl` writes of such, 30 % drop lines.
#![allow(
    clippy::print_stderr,
    reason = "it is a program of its own, and this is its usage"
)]

#[path = "dice.rs"]
mod dice;

use std::io::{self, BufWriter, Write};

use dice::Dice;

const SERVICES: [u16; 8] = [6443, 2379, 2380, 10250, 443, 9345, 8181, 3260];
const LISTENING: [u16; 12] = [
    22, 53, 80, 443, 2112, 2379, 2380, 6443, 9345, 10250, 31000, 8472,
];
const FLAGS: [&str; 5] = ["ACK", "ACK PSH", "ACK FIN", "ACK RST", "RST"];
const NOISE: [&str; 8] = [
    "cni0: port 12(veth5a31c0de) entered blocking state",
    "IPv6: ADDRCONF(NETDEV_CHANGE): veth5a31c0de: link becomes ready",
    "eth0: renamed from tmp5a31c",
    "scsi host7: iSCSI Initiator over TCP/IP",
    "sd 7:0:0:1: [sdb] 20971520 512-byte logical blocks: (10.7 GB/10.0 GiB)",
    "device veth5a31c0de left promiscuous mode",
    "EXT4-fs (sdb): mounted filesystem with ordered data mode. Quota mode: none.",
    "audit: type=1400 audit(1776852001.123:412): apparmor=\"STATUS\" operation=\"profile_replace\" name=\"cri-containerd.apparmor.d\"",
];

/// The kernel's text of a drop line.
fn drop_line(dice: &mut Dice, out: &mut Vec<u8>) -> io::Result<()> {
    let node = dice.roll(3) + 61;
    let id = dice.roll(65_536);
    write!(
        out,
        "HARVESTER_DROP_IN=mgmt-br OUT= MAC=52:54:00:ab:cd:{node:02x}:52:54:00:ab:cd:ea:"
    )?;
    if dice.roll(100) < 2 {
        let (peer, dpt) = (dice.roll(200), dice.pick(&LISTENING));
        return write!(
            out,
            "86:dd SRC=2001:0db8:0000:0000:0000:0000:0000:{peer:04x} DST=2001:0db8:0000:0000:0000:0000:0000:{node:04x} \
             LEN=80 TC=0 HOPLIMIT=64 FLOWLBL={id} PROTO=TCP SPT={} DPT={dpt} WINDOW=64240 RES=0x00 SYN URGP=0 ",
            32_768 + dice.roll(28_232)
        );
    }
    out.extend_from_slice(b"08:00 SRC=");
    if dice.roll(100) < 15 {
        let host = dice.roll(1 << 18);
        write!(out, "10.{}.{}.{}", host >> 16, host >> 8 & 255, host & 255)?;
    } else {
        write!(out, "192.168.122.{}", 62 + dice.roll(40))?;
    }
    write!(
        out,
        " DST=192.168.122.{node} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID={id} DF PROTO="
    )?;
    let client = 32_768 + dice.roll(28_232);
    match dice.roll(100) {
        0..55 => write!(
            out,
            "TCP SPT={} DPT={client} WINDOW=501 RES=0x00 {} URGP=0 ",
            dice.pick(&SERVICES),
            dice.pick(&FLAGS)
        ),
        55..75 => write!(
            out,
            "TCP SPT={client} DPT={} WINDOW=64240 RES=0x00 SYN URGP=0 ",
            dice.pick(&LISTENING)
        ),
        75..85 => write!(
            out,
            "TCP SPT={client} DPT={} WINDOW=1024 RES=0x00 SYN URGP=0 ",
            1 + dice.roll(10_000)
        ),
        85..97 => write!(
            out,
            "UDP SPT={client} DPT={} LEN=40 ",
            dice.pick(&LISTENING)
        ),
        97..99 => write!(out, "ICMP TYPE=8 CODE=0 ID={id} SEQ=1 "),
        _ => write!(out, "2 "),
    }
}

const INTERFACES: [&str; 8] = [
    "mgmt-br",
    "mgmt-bo",
    "mgmt-br.2025",
    "eno1",
    "enp65s0f0np0",
    "vlan100",
    "bond0",
    "br-storage",
];
const MIXES: [&str; 12] = [
    "SYN",
    "ACK",
    "ACK PSH",
    "ACK FIN",
    "ACK RST",
    "RST",
    "ACK SYN",
    "ACK PSH FIN",
    "CWR ECE SYN",
    "URG ACK PSH",
    "ECE ACK",
    "AE ACK",
];

/// An address of IPv4 inside or outside.
fn v4(dice: &mut Dice) -> String {
    match dice.roll(4) {
        0 => format!("203.0.{}.{}", dice.roll(256), dice.roll(256)),
        1 => format!("10.52.{}.{}", dice.roll(8), dice.roll(250)),
        _ => format!("192.168.122.{}", 61 + dice.roll(60)),
    }
}

/// A drop line with anything that `nf_log_syslog.c` may print.
fn varied_line(dice: &mut Dice, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, "HARVESTER_DROP_IN={} OUT= ", dice.pick(&INTERFACES))?;
    if dice.roll(3) == 0 {
        write!(
            out,
            "PHYSIN={} ",
            dice.pick(&["mgmt-bo", "veth5a31c0de", "tap0"])
        )?;
    }
    let byte = |dice: &mut Dice| dice.roll(256);
    let v6 = dice.roll(8) == 0;
    let ether = if v6 { "86:dd" } else { "08:00" };
    match dice.roll(12) {
        0 => out.extend_from_slice(b"MAC= "),
        1 => write!(
            out,
            "MACSRC=52:54:00:ab:cd:{:02x} MACDST=ff:ff:ff:ff:ff:ff MACPROTO=0800 ",
            byte(dice)
        )?,
        2 => write!(
            out,
            "MAC=01:00:5e:00:00:fb:52:54:00:ab:cd:{:02x}:{ether} ",
            byte(dice)
        )?,
        _ => write!(
            out,
            "MAC=52:54:00:{:02x}:{:02x}:{:02x}:52:54:00:ab:{:02x}:{:02x}:{ether} ",
            byte(dice),
            byte(dice),
            byte(dice),
            byte(dice),
            byte(dice)
        )?,
    }
    let len = [40, 52, 60, 84, 1500, 2932][dice.roll(6) as usize];
    if v6 {
        let group = |dice: &mut Dice| dice.roll(65_536);
        let (one, other, peer) = (group(dice), group(dice), group(dice));
        write!(
            out,
            "SRC=fd00:0000:0000:00{:02x}:{one:04x}:{other:04x}:0000:{peer:04x} DST=fd00:0000:0000:0001:0000:0000:0000:0061 \
             LEN={len} TC={} HOPLIMIT={} FLOWLBL={} ",
            byte(dice),
            byte(dice),
            1 + dice.roll(255),
            dice.roll(1 << 20)
        )?;
        if dice.roll(20) == 0 {
            write!(out, "FRAG:0 INCOMPLETE ID:{:08x} ", dice.roll(1 << 31))?;
        }
    } else {
        let (src, dst) = (v4(dice), v4(dice));
        write!(
            out,
            "SRC={src} DST={dst} LEN={len} TOS=0x{:02X} PREC=0x{:02X} TTL={} ID={} ",
            [0, 8, 16][dice.roll(3) as usize],
            [0, 0x20, 0xC0][dice.roll(3) as usize],
            1 + dice.roll(255),
            dice.roll(65_536)
        )?;
        out.extend_from_slice(dice.pick(&["DF ", "DF ", "", "CE DF ", "MF "]).as_bytes());
        if dice.roll(40) == 0 {
            write!(out, "FRAG:{} PROTO=UDP ", 1 + dice.roll(8_000))?;
            return Ok(());
        }
        if dice.roll(40) == 0 {
            out.extend_from_slice(b"OPT (94040000) ");
        }
    }
    let (client, window) = (1024 + dice.roll(64_000), dice.roll(65_536));
    match dice.roll(100) {
        0..60 => {
            let (spt, dpt) = match dice.roll(2) {
                0 => (u64::from(dice.pick(&SERVICES)), client),
                _ => (client, u64::from(dice.pick(&LISTENING))),
            };
            write!(out, "PROTO=TCP SPT={spt} DPT={dpt} ")?;
            if dice.roll(6) == 0 {
                write!(
                    out,
                    "SEQ={} ACK={} ",
                    dice.roll(1 << 32),
                    dice.roll(1 << 32)
                )?;
            }
            write!(
                out,
                "WINDOW={window} RES=0x00 {} URGP=0 ",
                dice.pick(&MIXES)
            )?;
            if dice.roll(6) == 0 {
                out.extend_from_slice(b"OPT (020405B40402080A4E17AE1F0000000001030307) ");
            }
        }
        60..85 => write!(
            out,
            "PROTO=UDP SPT={client} DPT={} LEN={} ",
            dice.pick(&LISTENING),
            8 + dice.roll(1400)
        )?,
        85..90 => write!(
            out,
            "PROTO={} TYPE=8 CODE=0 ID={client} SEQ={window} ",
            if v6 { "ICMPv6" } else { "ICMP" }
        )?,
        90..93 if !v6 => write!(
            out,
            "PROTO=ICMP TYPE=3 CODE=3 [SRC={} DST={} LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID={client} DF PROTO=UDP SPT=53 DPT={client} LEN=40 ] ",
            v4(dice),
            v4(dice)
        )?,
        _ => write!(
            out,
            "PROTO={} ",
            dice.pick(&["2", "112", "47", "132", "89"])
        )?,
    }
    if dice.roll(4) == 0 {
        write!(out, "MARK=0x{:x} ", 1 + dice.roll(1 << 20))?;
    }
    Ok(())
}

/// What else a kernel writes.
fn noise(dice: &mut Dice, out: &mut Vec<u8>) {
    out.extend_from_slice(dice.pick(&NOISE).as_bytes());
}

/// An entry of a container's, but for its times: a line of text, or one in ten a JSON object of some kilobytes.
fn container(dice: &mut Dice, out: &mut Vec<u8>) -> io::Result<()> {
    let unit = dice.roll(60);
    write!(
        out,
        "_TRANSPORT=stdout\nPRIORITY=6\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=app{unit}\n_PID={}\n_COMM=app{unit}\n\
         _EXE=/usr/bin/app{unit}\n_SYSTEMD_UNIT=app{unit}.service\n_SYSTEMD_SLICE=system.slice\n_HOSTNAME=harvester1\n\
         MESSAGE=",
        1000 + unit
    )?;
    if dice.roll(10) == 0 {
        out.extend_from_slice(b"{\"level\":\"info\"");
        for _ in 0..30 + dice.roll(60) {
            let (key, value) = (dice.roll(3000), dice.roll(1 << 31));
            write!(out, ",\"key{key}\":\"value {value:x} of {}\"", value % 97)?;
        }
        out.extend_from_slice(b"}");
    } else {
        for _ in 0..8 + dice.roll(40) {
            let word = dice.roll(1 << 20);
            write!(out, "w{word:x} ")?;
        }
    }
    out.extend_from_slice(b"\n\n");
    Ok(())
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(what), Some(Ok(size))) = (args.next(), args.next().map(|size| size.parse::<u64>()))
    else {
        eprintln!(
            "usage: generate rare|mixed|dense|json|export|node|varied|varied-mixed|nodes|loki MEBIBYTES"
        );
        return Ok(());
    };
    let share = match what.as_str() {
        "rare" => 1,
        "mixed" | "varied-mixed" => 20,
        "json" => 450,
        "export" | "loki" => 300,
        "node" => 800,
        _ => 1000,
    };
    let is_varied = what.starts_with("varied") || matches!(what.as_str(), "nodes" | "loki");
    let hosts = if matches!(what.as_str(), "nodes" | "loki") {
        50
    } else {
        3
    };
    let is_export = matches!(what.as_str(), "export" | "node");
    let mut dice = Dice(42);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let (mut line, mut written, mut micros) = (Vec::new(), 0, 0_u64);
    while written < size << 20 {
        line.clear();
        micros += dice.roll(4_000);
        let (second, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (minute, host) = (second / 60, dice.roll(hosts) + 1);
        let is_drop = dice.roll(1000) < share;
        if what == "json" {
            let at = 1_776_852_000_000_000 + micros;
            write!(
                line,
                "{{\"__REALTIME_TIMESTAMP\":\"{at}\",\"_TRANSPORT\":\"kernel\",\"SYSLOG_IDENTIFIER\":\"kernel\",\
                 \"__CURSOR\":\"s=4f1c2b7a9d8e4c53b0a1f2e3d4c5b6a7;i={micros:x};b=0a1b2c3d4e5f60718293a4b5c6d7e8f9;t={at:x}\",\
                 \"_BOOT_ID\":\"0a1b2c3d4e5f60718293a4b5c6d7e8f9\",\"_MACHINE_ID\":\"f9e8d7c6b5a493827160f5e4d3c2b1a0\",\
                 \"PRIORITY\":\"4\",\"SYSLOG_FACILITY\":\"0\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"{micros}\",\
                 \"__MONOTONIC_TIMESTAMP\":\"{micros}\",\"_HOSTNAME\":\"harvester{host}\",\"MESSAGE\":\""
            )?;
        } else if is_export {
            let at = 1_776_852_000_000_000 + micros;
            write!(
                line,
                "__CURSOR=s=4f1c2b7a9d8e4c53b0a1f2e3d4c5b6a7;i={micros:x};b=0a1b2c3d4e5f60718293a4b5c6d7e8f9;t={at:x};x=1\n\
                 __REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={micros}\n_BOOT_ID=0a1b2c3d4e5f60718293a4b5c6d7e8f9\n"
            )?;
            if what == "node" && dice.roll(100) > 0 {
                container(&mut dice, &mut line)?;
                written += line.len() as u64;
                out.write_all(&line)?;
                continue;
            }
            write!(
                line,
                "_TRANSPORT=kernel\nPRIORITY=4\nSYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n\
                 _SOURCE_MONOTONIC_TIMESTAMP={micros}\n_MACHINE_ID=f9e8d7c6b5a493827160f5e4d3c2b1a0\n\
                 _HOSTNAME=harvester{host}\nMESSAGE="
            )?;
        } else if what == "loki" {
            write!(
                line,
                "{{\"labels\":{{\"hostname\":\"harvester{host}\",\"job\":\"systemd-journal\",\"transport\":\"kernel\"}},\"line\":\""
            )?;
        } else if what == "nodes" {
            write!(
                line,
                "2026-04-{:02}T{:02}:{:02}:{:02}.{fraction:06}+00:00 harvester{host} kernel: [{second:5}.{fraction:06}] ",
                22 + minute / 1440,
                minute / 60 % 24,
                minute % 60,
                second % 60
            )?;
        } else {
            write!(
                line,
                "Apr {:02} {:02}:{:02}:{:02}.{fraction:06} harvester{host} kernel: ",
                22 + minute / 1440,
                minute / 60 % 24,
                minute % 60,
                second % 60
            )?;
        }
        let message = line.len();
        if is_drop && is_varied {
            varied_line(&mut dice, &mut line)?;
        } else if is_drop {
            drop_line(&mut dice, &mut line)?;
        } else {
            noise(&mut dice, &mut line);
        }
        if matches!(what.as_str(), "json" | "loki") {
            let escaped = String::from_utf8_lossy(&line[message..]).replace('"', "\\\"");
            line.truncate(message);
            line.extend_from_slice(escaped.as_bytes());
            if what == "loki" {
                write!(
                    line,
                    "\",\"timestamp\":\"2026-04-{:02}T{:02}:{:02}:{:02}.{fraction:06}Z\"}}",
                    22 + minute / 1440,
                    minute / 60 % 24,
                    minute % 60,
                    second % 60
                )?;
            } else {
                line.extend_from_slice(b"\"}");
            }
        }
        if is_export {
            line.push(b'\n');
        }
        line.push(b'\n');
        written += line.len() as u64;
        out.write_all(&line)?;
    }
    out.flush()
}
