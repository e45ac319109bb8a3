//! Inputs that have one text in every field.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Output;

use super::dropsift;
use super::runs::Run;

/// Converts a text to a file name, which has no slash and no NUL, and is short.
fn file_name(text: &[u8]) -> Vec<u8> {
    let name = text
        .iter()
        .map(|b| if matches!(b, b'/' | 0) { b'_' } else { *b });
    name.take(60).collect()
}

/// A record as `journalctl -o export` writes it: every field with its length, so that it may hold any bytes.
fn record(fields: &[(&str, &[u8])], out: &mut Vec<u8>) {
    out.extend_from_slice(b"__CURSOR=s=1;i=1\n");
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        if name.starts_with("__") {
            out.push(b'=');
            out.extend_from_slice(value);
        } else {
            out.push(b'\n');
            out.extend_from_slice(&(value.len() as u64).to_le_bytes());
            out.extend_from_slice(value);
        }
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// Returns the message of a drop line.
pub(crate) fn message(interface: &[u8], dst: &str, src: &str, tail: &str) -> Vec<u8> {
    let rest = format!(
        " OUT= MAC=52:54:00:ab:cd:ef:52:54:00:ab:cd:ea:08:00 SRC={src} DST={dst} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF {tail} "
    );
    [b"HARVESTER_DROP_IN=", interface, rest.as_bytes()].concat()
}

pub(crate) fn syn(spt: u16, dpt: u16) -> String {
    format!("PROTO=TCP SPT={spt} DPT={dpt} WINDOW=64240 RES=0x00 SYN URGP=0")
}

/// Returns the records of a log, with `text` as host, interface, program, and in messages.
fn records(text: &[u8]) -> Vec<(i64, &'static str, Vec<u8>, Vec<u8>)> {
    const NODE: &str = "192.168.122.61";
    const PEER: &str = "192.168.122.63";
    let mut all = Vec::new();
    let mut add = |second: i64, transport, program: &[u8], message: Vec<u8>| {
        all.push((second, transport, program.to_vec(), message));
    };
    let drop = |second: i64, src: &str, tail: &str| (second, message(b"mgmt-br", NODE, src, tail));
    // A burst, and a line at each refill: the limit hid lines, so that the split is offered.
    for n in 0..5 {
        let (second, message) = drop(0, PEER, &syn(40_000 + n, 2112));
        add(second, "kernel", b"kernel", message);
    }
    for n in 1..8 {
        let (second, message) = drop(6 * n, PEER, &syn(41_000 + n as u16, 50_051));
        add(second, "kernel", b"kernel", message);
    }
    // The interface and the end of the message are untrusted.
    add(
        200,
        "kernel",
        b"kernel",
        message(&text[..text.len().min(15)], NODE, PEER, &syn(42_000, 6443)),
    );
    add(
        200,
        "kernel",
        b"kernel",
        drop(200, PEER, &syn(42_001, 6443)).1,
    );
    let mut torn = message(b"mgmt-br", NODE, PEER, "PROTO=UDP SPT=1 DPT=514 LEN=40 ");
    torn.extend_from_slice(text);
    add(201, "kernel", b"kernel", torn);
    let (_, mut option) = drop(
        202,
        PEER,
        "PROTO=TCP SPT=5 DPT=9345 WINDOW=1 RES=0x00 SYN URGP=0 OPT (",
    );
    option.extend_from_slice(text);
    add(202, "kernel", b"kernel", option);
    // A reply, a scanner's port, a broadcast, IPv6.
    add(
        203,
        "kernel",
        b"kernel",
        drop(
            203,
            PEER,
            "PROTO=TCP SPT=10250 DPT=56266 WINDOW=1 RES=0x00 ACK URGP=0",
        )
        .1,
    );
    add(
        204,
        "kernel",
        b"kernel",
        drop(204, "203.0.113.9", &syn(1, 4444)).1,
    );
    let v6 = "HARVESTER_DROP_IN=mgmt-br OUT= MAC= SRC=fd00:0000:0000:0000:0000:0000:0000:0063 DST=fd00:0000:0000:0000:0000:0000:0000:0061 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=TCP SPT=40000 DPT=2112 WINDOW=64240 RES=0x00 SYN URGP=0 ";
    add(205, "kernel", b"kernel", v6.into());
    // Refused lines, which -v shows: forged ones and broken ones.
    add(
        206,
        "syslog",
        b"kernel",
        [text, &message(b"a", NODE, PEER, "")].concat(),
    );
    add(207, "stdout", text, message(b"forged", NODE, PEER, ""));
    add(
        208,
        "kernel",
        b"kernel",
        [text, b" HARVESTER_DROP_IN=middle OUT= SRC=1.1.1.1"].concat(),
    );
    add(
        209,
        "kernel",
        b"kernel",
        [b"HARVESTER_DROP_IN=", text, b" OUT= SRC=", text].concat(),
    );
    add(
        210,
        "kernel",
        b"kernel",
        message(b"b", NODE, &String::from_utf8_lossy(text), &syn(1, 2)),
    );
    // Notices, and a clock that was set back.
    add(
        211,
        "driver",
        b"systemd-journald",
        b"Missed 5 kernel messages".to_vec(),
    );
    add(
        212,
        "kernel",
        b"kernel",
        b"nf_conntrack: nf_conntrack: table full, dropping packet".to_vec(),
    );
    add(
        90,
        "kernel",
        b"kernel",
        drop(90, PEER, &syn(43_000, 2112)).1,
    );
    all
}

/// A folder with the inputs.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    /// The text as an argument or in a text file may be: UTF-8 without NULs.
    pub(crate) word: String,
}

impl World {
    pub(crate) fn new(text: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let word = String::from_utf8_lossy(text).replace('\0', "").to_string();
        let world = Self { folder, word };
        world.put(b"word", &world.word);
        world.logs(text);
        world.chains();
        world.bundle(text);
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file; its name may hold anything but a slash and NUL.
    fn put(&self, name: &[u8], bytes: impl AsRef<[u8]>) {
        let path = self.path().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes the records as an export, whose fields may contain anything, as lines of syslog and as a container's log.
    fn logs(&self, text: &[u8]) {
        let (mut export, mut lines, mut pods) = (Vec::new(), Vec::new(), Vec::new());
        for (second, transport, program, message) in records(text) {
            // 2026-04-22T10:00:00Z.
            let micros = (1_776_852_000 + second) * 1_000_000;
            record(
                &[
                    ("__REALTIME_TIMESTAMP", micros.to_string().as_bytes()),
                    ("_TRANSPORT", transport.as_bytes()),
                    ("_HOSTNAME", text),
                    ("SYSLOG_IDENTIFIER", &program),
                    ("MESSAGE", &message),
                ],
                &mut export,
            );
            let stamp = format!("2026-04-22T10:{:02}:{:02}+00:00 ", second / 60, second % 60);
            let tag = if transport == "kernel" {
                b"kernel: ".to_vec()
            } else {
                [&program, &b"[7]: "[..]].concat()
            };
            let line = [stamp.as_bytes(), text, b" ", &tag, &message, b"\n"].concat();
            pods.extend_from_slice(&[b"[pod/", text, b"/", text, b"] ", &line[..]].concat());
            lines.extend_from_slice(&line);
        }
        self.put(b"log.export", &export);
        self.put(b"lines.log", &lines);
        let prefixed = message(
            b"mgmt-br",
            "192.168.122.61",
            "192.168.122.63",
            &syn(40_000, 2112),
        );
        let line = [
            b"Apr 22 10:00:09 h kernel: ",
            self.word.as_bytes(),
            &prefixed[b"HARVESTER_DROP_".len()..],
            b"\n",
        ];
        self.put(b"prefix.log", line.concat());
        self.put(b"pods.log", &pods);
        self.put(&[b"name ", &file_name(text)[..], b".log"].concat(), &lines);
        self.put(&[b"blank ", &file_name(text)[..]].concat(), "no log\n");
    }

    /// Returns the text in double quotes, as in YAML and JSON.
    fn yaml(&self) -> String {
        serde_json::to_string(&self.word).unwrap()
    }

    /// Dumps of a chain, and a CloudInit.
    fn chains(&self) {
        // A dump has a line a rule, whatever is in it.
        let word = &self.word.replace(['\n', '\r'], "_");
        // Quoted as in `iptables-save`: a backslash before characters that would end the quotes.
        let quoted = format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
        let dump = format!(
            "*filter\n:INPUT ACCEPT [0:0]\n:HARVESTER_INPUT - [0:0]\n:{word} - [0:0]\n-A INPUT -j {quoted}\n\
             -A INPUT -i mgmt-br -j HARVESTER_INPUT\n-A {quoted} -p tcp -m tcp --dport 9345 -j DROP\n\
             -A HARVESTER_INPUT -p tcp --dport 22 -m comment --comment {quoted} -j ACCEPT\n\
             -A HARVESTER_INPUT -p tcp -m {quoted} --x {quoted} -j ACCEPT\n\
             -A HARVESTER_INPUT -p {quoted} -j {quoted}\n-A HARVESTER_INPUT -i {quoted} -j {quoted}\n\
             -A HARVESTER_INPUT -m limit --limit 10/min -m comment --comment \"Rate-limit logging of dropped packets\" -j LOG --log-prefix HARVESTER_DROP_\n\
             -A HARVESTER_INPUT -m comment --comment \"Drop all other traffic\" -j DROP\n\
             -A HARVESTER_INPUT -p tcp -m tcp --dport 2112 -m comment --comment {quoted} -j ACCEPT\n\
             -A {word} {word}\n{word}\nCOMMIT\n"
        );
        self.put(b"chain.save", &dump);
        // A chain of another name logs and drops.
        let own = dump.replace("HARVESTER_INPUT", &quoted);
        self.put(b"own.save", own);
        let yaml = self.yaml();
        let shell = format!(
            "'{}'",
            word.replace('\'', "'\\''").replace(['\n', '\r'], " ")
        );
        let comment = serde_json::to_string(&format!(
            "iptables -A HARVESTER_INPUT -p tcp --dport 8888 -m comment --comment {shell} -j ACCEPT"
        ));
        let comment = comment.unwrap();
        let cloudinit = format!(
            "apiVersion: node.harvesterhci.io/v1beta1\nkind: CloudInit\nmetadata:\n  name: {yaml}\n  labels: {{{yaml}: {yaml}}}\nspec:\n  \
             matchSelector:\n    node-role.kubernetes.io/control-plane: \"true\"\n    {yaml}: {yaml}\n  filename: {yaml}\n  contents: |\n    \
             stages:\n      boot:\n        - name: NAME\n          commands:\n            \
             - iptables -N HARVESTER_INPUT\n            - iptables -A INPUT -i mgmt-br -j HARVESTER_INPUT\n            \
             - COMMENT\n            \
             - iptables -A HARVESTER_INPUT -m limit --limit 10/min -j LOG --log-prefix HARVESTER_DROP_ --log-level 4\n            \
             - iptables -A HARVESTER_INPUT -j DROP\n"
        );
        self.put(
            b"init.yaml",
            cloudinit
                .replace("NAME", &yaml)
                .replace("COMMENT", &comment),
        );
        // One that can be patched for every node.
        let plain = include_str!("../../../fixtures/lab/cloudinit-control-plane.yaml");
        self.put(b"plain.yaml", plain);
    }

    /// A support bundle, unpacked.
    fn bundle(&self, text: &[u8]) {
        let yaml = self.yaml();
        let at = |path: &[u8]| [b"bundle/", path].concat();
        self.put(
            &at(b"yamls/cluster/v1/nodes.yaml"),
            format!(
                "items:\n- metadata:\n    name: {yaml}\n    labels: {{{yaml}: \"true\", node-role.kubernetes.io/control-plane: \"true\"}}\n  \
                 status:\n    addresses:\n    - {{type: InternalIP, address: {yaml}}}\n- metadata: {{name: {yaml}}}\n"
            ),
        );
        self.put(
            &at(b"yamls/x.harvesterhci.io/upgrades.yaml"),
            [b"items: [", text].concat(),
        );
        self.put(&at(b"metadata.yaml"), [b"bundleCreatedAt: ", text].concat());
        let node = [b"nodes/n", &file_name(text)[..]].concat();
        let drop = message(text, "192.168.122.61", "192.168.122.62", &syn(1, 2112));
        let log = [b"Apr 22 10:00:09 ", text, b" kernel: ", &drop, b"\n"].concat();
        self.put(&at(&[&node[..], b"/logs/kernel.log"].concat()), log);
        self.put(
            &at(&[&node[..], b".zip"].concat()),
            [b"PK\x03\x04", text].concat(),
        );
        let oem = [&node[..], b"/configs/oem/9", &file_name(text)].concat();
        self.put(
            &at(&oem),
            [
                b"stages: {boot: [{commands: [\"iptables -N ",
                text,
                b"\"]}]}",
            ]
            .concat(),
        );
    }

    pub(crate) fn run(&self, run: &Run) -> Output {
        let stdin = run
            .stdin
            .map_or_else(Vec::new, |name| fs::read(self.path().join(name)).unwrap());
        let args: Vec<Vec<u8>> = run
            .args
            .iter()
            .flat_map(|arg| match *arg {
                "NAMED" => self.named(),
                arg => vec![arg.replace("{}", &self.word).into_bytes()],
            })
            .collect();
        let args: Vec<&std::ffi::OsStr> = args
            .iter()
            .map(|arg| std::ffi::OsStr::from_bytes(arg))
            .collect();
        dropsift(self.path(), &args, &stdin)
    }

    /// Returns the files whose names contain the text.
    fn named(&self) -> Vec<Vec<u8>> {
        let names = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<Vec<u8>> = names
            .map(|name| name.as_bytes().to_vec())
            .filter(|name| name.contains(&b' '))
            .filter(|name| name.starts_with(b"name ") || name.starts_with(b"blank "))
            .collect();
        names.sort_unstable();
        names
    }
}
