#   -n      show what would happen, change nothing
#   -f      apply every part, whatever this host is called
#   --undo  take back what this script did: only rules whose comment ends in [dropsift]
# Needs root and awk. Set IPTABLES and IP6TABLES to use other programs, such as iptables-legacy.
set -u
mark='[dropsift]'
dry='' force='' undo='' here='' any='' parts='' failed=0 undo_lines='' within=''

usage() { echo "usage: sh ${0##*/} [-n] [-f] [--undo]"; }
for word; do
    case $word in
    -n | --dry-run) dry=1 ;;
    -f | --force) force=1 ;;
    --undo) undo=1 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done

fail() { echo "failed: $*" >&2; failed=1; }

# Sets $program for a tool name; fails where it is not installed.
program() {
    case $1 in
    iptables) program=${IPTABLES:-iptables} ;;
    *) program=${IP6TABLES:-ip6tables} ;;
    esac
    command -v "$program" >/dev/null 2>&1 && return 0
    fail "$program is not installed, or not in PATH; nothing was done"
    return 1
}

# Whether this host is the node: by the whole name, or by the short name where one of the two names is short.
is_this_host() {
    for name in $(uname -n 2>/dev/null) $(hostname 2>/dev/null); do
        [ "$name" = "$1" ] || [ "${name%%.*}" = "$1" ] || [ "$name" = "${1%%.*}" ] && return 0
    done
    return 1
}

# Begins the part of a node: NODE TOOL...
part() {
    node=$1 here=''
    shift
    parts="$parts $node"
    if [ ! "$force" ] && ! is_this_host "$node"; then
        echo "$node: skipped, this host is $(uname -n)"
        return 0
    fi
    here=$node any=1
    echo "$node:"
    [ "$undo" ] || return 0
    for tool; do
        program "$tool" && read_live && take_back
    done
}

# Reads the live rules of the filter table into $live.
read_live() {
    live=$("$program" -w -S 2>&1) && return 0
    fail "$program -w -S: $live"
    return 1
}

# Word N of a line.
word() { printf '%s\n' "$2" | cut -d ' ' -f "$1"; }

# Finds where a rule with these MATCHES stands or goes, into $answer, and the line of it that decides into $first.
look() {
    proto='' sport='' dport='' source=''
    while [ $# -gt 1 ]; do
        case $1 in
        -p) proto=$2 ;;
        -s) source=$2 ;;
        --sport) sport=$2 ;;
        --dport) dport=$2 ;;
        esac
        shift 2
    done
    answer=$(printf '%s\n' "$live" | LOG_PREFIXES="$prefixes" WITHIN="$within" awk -v iface="$interface" -v proto="$proto" -v sport="$sport" \
        -v dport="$dport" -v source="$source" "$words $walk")
    first=$(printf '%s\n' "$answer" | grep -E '^(ok|put|no|none) ' | head -n 1)
    [ "$first" ] && return 0
    fail "the rules of $program -S could not be read; is awk installed?"
    return 1
}

# A chain's name as a word: it may have any character but blanks.
quote() {
    case $1 in
    *[!A-Za-z0-9_.,:/=+@%-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
    esac
}

# Deletes rule N of CHAIN, and notes how to put it back: CHAIN N
delete_rule() {
    rule=$("$program" -w -S "$1" "$2") || { fail "$1 has no rule $2 any more"; return 1; }
    why=$("$program" -w -D "$1" "$2" 2>&1) || { fail "$program -D $1 $2: $why"; return 1; }
    note_undo "$program -w -I $(quote "$1") $2 $(printf '%s\n' "$rule" | awk "$words $requote")"
}

# What is done last is undone first.
note_undo() {
    undo_lines="$1
$undo_lines"
}

# Says how to undo what was done, and ends.
finish() {
    [ "$any" ] || fail "no part is for this host, $(uname -n): run it on one of$parts, or with -f"
    if [ "$undo_lines" ]; then
        echo "To undo what this run did:"
        printf '%s' "$undo_lines"
    fi
    exit "$failed"
}
