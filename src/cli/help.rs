//! Texts of `--help` and the manual besides the options: examples, notes and exit codes.

/// Manual of a command, besides its options.
pub(super) struct Manual {
    /// The subcommand; empty for the report.
    pub(super) name: &'static str,
    /// Examples: purpose and command. Tests run them.
    pub(super) examples: &'static [(&'static str, &'static str)],
    pub(super) notes: &'static str,
    /// Exit codes and their meaning.
    pub(super) exit: &'static [(u8, &'static str)],
}

const USAGE: (u8, &str) = (2, "wrong usage, or an input that cannot be read");
const NOT_JUDGED: (u8, &str) = (3, "an input was read but could not be judged");

/// Manuals of all commands that need more than their options.
pub(super) const MANUALS: &[Manual] = &[
    Manual {
        name: "",
        examples: &[
            (
                "A support bundle, which has the roles and the times of upgrades",
                "dropsift supportbundle.zip",
            ),
            (
                "What the cluster knows: roles, addresses, chains, addons, upgrades",
                "kubectl get nodes -o yaml | dropsift --cluster - kernel.log",
            ),
            (
                "The log of a node over ssh, with all boots since then",
                "ssh rancher@harvester1 journalctl _TRANSPORT=kernel -o short-precise \\\n    --since 2026-05-05 | dropsift --role control-plane",
            ),
            (
                "A node while it happens",
                "ssh rancher@harvester1 journalctl -kf -o short-precise \\\n    | dropsift --role control-plane",
            ),
            (
                "Saved logs, a worker among the nodes, and the time of an upgrade",
                "dropsift --role control-plane --role harvester3=worker \\\n    --upgrade '2026-05-05 04:30..06:00' kernel.log",
            ),
            (
                "A page for those who were not there; it is a report too",
                "dropsift -o html kernel.log > report.html",
            ),
            (
                "For scripts",
                "dropsift -o json kernel.log \\\n    | jq '.findings[] | select(.verdict == \"missing-rule\")'",
            ),
        ],
        notes: "",
        exit: &[
            (0, "nothing to do"),
            (1, "a rule is missing"),
            USAGE,
            NOT_JUDGED,
        ],
    },
    Manual {
        name: "rules",
        examples: &[
            (
                "A script to run on each node; nothing runs before you do that",
                "dropsift rules --role control-plane kernel.log > add-rules.sh",
            ),
            (
                "The lines for the CloudInit resources",
                "dropsift rules --role control-plane --format cloudinit \\\n    kernel.log",
            ),
            (
                "Your own CloudInit with the lines in it, as a diff",
                "dropsift rules --role control-plane --role harvester3=worker \\\n    --format cloudinit-patch --diff 91-iptables-worker.yaml kernel.log",
            ),
            (
                "Three LOG rules in place of one, where its limit hid lines",
                "dropsift rules --format split-log kernel.log > split.sh",
            ),
            (
                "Are they in force?",
                "ssh rancher@harvester1 sudo iptables-save \\\n    | dropsift rules --role control-plane --only harvester1 --check kernel.log",
            ),
        ],
        notes: "With --format cloudinit-patch the first INPUT is the CloudInit to change; it is printed, not written. Its selector \
                says the role, unless --role does.",
        exit: &[
            (0, "no rule is missing; with --check: all are in force"),
            (1, "a rule is missing; with --check: not in force"),
            USAGE,
            NOT_JUDGED,
        ],
    },
    Manual {
        name: "chain",
        examples: &[
            (
                "The chain that the documentation recommends, as a CloudInit",
                "dropsift chain --role worker --format cloudinit",
            ),
            (
                "What the running chain has in another way",
                "ssh rancher@harvester1 sudo iptables-save \\\n    | dropsift chain --role control-plane -",
            ),
        ],
        notes: "FILE is a dump of iptables, a script or a CloudInit; `-` is stdin. The role is --role, else the one that the \
                selector of the CloudInit picks.",
        exit: &[(0, "no difference"), (1, "the chains differ"), USAGE],
    },
    Manual {
        name: "simulate",
        examples: &[
            (
                "What the chain of a node would accept now",
                "dropsift simulate --rules harvester1=chain.txt kernel.log",
            ),
            (
                "The same with the suggestions in it",
                "dropsift simulate --with-suggested --rules chain.txt \\\n    kernel.log",
            ),
        ],
        notes: "",
        exit: &[
            (0, "nothing that is missing still falls to DROP"),
            (
                1,
                "something does, or a suggestion would let in what should stay out",
            ),
            USAGE,
            NOT_JUDGED,
        ],
    },
    Manual {
        name: "audit",
        examples: &[
            (
                "A CloudInit before it is applied",
                "dropsift audit 91-iptables-worker.yaml",
            ),
            (
                "The chain that runs",
                "ssh rancher@harvester1 sudo iptables-save \\\n    | dropsift audit --role control-plane -",
            ),
        ],
        notes: "FILE is a dump of iptables, a script, a CloudInit, or Node objects whose labels the selectors must pick; `-` is \
                stdin.",
        exit: &[
            (0, "nothing is wrong"),
            (1, "an error was found; warnings and notes do not count"),
            USAGE,
        ],
    },
    Manual {
        name: "explain",
        examples: &[
            (
                "A line, test by test",
                "dropsift explain \"HARVESTER_DROP_IN=mgmt-br ... SRC=192.168.122.63 \\\n    DST=192.168.122.61 ... PROTO=TCP SPT=40000 DPT=2112 ... SYN URGP=0\"",
            ),
            (
                "A cause, a port, an addon",
                "dropsift explain conntrack-loss",
            ),
            ("", "dropsift explain tcp/10250"),
            ("", "dropsift explain kube-ovn"),
            (
                "Each line of a log",
                "journalctl -k -o cat | dropsift explain -o json -",
            ),
        ],
        notes: "A line is judged alone here; the whole log may change the answer.",
        exit: &[
            (0, "it was explained"),
            USAGE,
            (3, "the line is no drop line; of stdin: none is"),
        ],
    },
    Manual {
        name: "diff",
        examples: &[
            (
                "Was it like this before the upgrade?",
                "dropsift diff before.log after.log",
            ),
            (
                "A report that was kept, and the log of today",
                "dropsift -o json kernel.log > monday.json\ndropsift diff monday.json kernel.log",
            ),
        ],
        notes: "BEFORE and AFTER are whatever the report reads: logs, bundles, journals, reports of -o json and -o html, events of \
                -o ndjson. \
                The options are those of both; what a report was judged by stays. Findings are the same where their ids are. Where \
                the later log could not have shown what is gone, that is said.",
        exit: &[
            (0, "no missing rule is new, or those that are were accepted"),
            (1, "a missing rule is new"),
            USAGE,
            NOT_JUDGED,
        ],
    },
    Manual {
        name: "accept",
        examples: &[(
            "A port that stays closed on purpose, until somebody looks again",
            "dropsift accept 5251 --reason 'closed on purpose' \\\n    --end \"$(date -d '90 days' +%F)\" kernel.log >> dropsift.toml",
        )],
        notes: "ID is that of a finding, or how it begins: -v and -o json show it. The stanza is printed, and nothing is written. It \
                covers this finding with the peers that it has now; --config reads it back.",
        exit: &[(0, "the stanza was printed"), USAGE, NOT_JUDGED],
    },
    Manual {
        name: "config",
        examples: &[
            (
                "What holds, and from where",
                "dropsift config --config dropsift.toml",
            ),
            (
                "A file for all runs of this shell",
                "export DROPSIFT_CONFIG=~/dropsift.toml\ndropsift config",
            ),
        ],
        notes: "The file is TOML: [cluster] with node-net, pod-cidr, addons, no-addons, role, prefix, limit, settle and utc-offset; a \
                [[node]] each with name, role and address; an [[accept]] each with verdict, proto and port or id, node, peer, cause, \
                reason and until. It is read only where --config or DROPSIFT_CONFIG names it. A flag stands against the file, the \
                file against what was learned.",
        exit: &[(0, "it was printed"), USAGE],
    },
    Manual {
        name: "ports",
        examples: &[
            (
                "What a role runs and opens",
                "dropsift ports --role witness",
            ),
            ("A port, an addon", "dropsift ports tcp/10250"),
            ("", "dropsift ports rancher-monitoring"),
        ],
        notes: "",
        exit: &[(0, "it was printed"), USAGE],
    },
    Manual {
        name: "schema",
        examples: &[("The JSON of the report", "dropsift schema report")],
        notes: "",
        exit: &[],
    },
    Manual {
        name: "completions",
        examples: &[(
            "For bash, in new shells",
            "dropsift completions bash \\\n    > ~/.local/share/bash-completion/completions/dropsift",
        )],
        notes: "",
        exit: &[],
    },
    Manual {
        name: "man",
        examples: &[
            (
                "The page of the program, and of a subcommand",
                "dropsift man | man -l -",
            ),
            ("", "dropsift man rules | man -l -"),
        ],
        notes: "",
        exit: &[],
    },
];
