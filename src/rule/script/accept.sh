# Accepts packets: [-c CHAIN] TOOL INTERFACE COMMENT MATCHES... With CHAIN, those that are dropped in that chain.
accept() {
    [ "$here" ] && [ ! "$undo" ] || return 0
    within=''
    [ "$1" = -c ] && { within=$2; shift 2; }
    tool=$1 interface=$2 comment=$3
    shift 3
    program "$tool" && read_live && look "$@" || return 0
    remove_dead_copies "$@"
    case $first in
    ok\ *) echo "ok: $*: rule $(word 3 "$first") of $(word 2 "$first") accepts it" ;;
    no\ *) echo "not added: $*: ${first#no }" ;;
    none\ *) fail "$*: ${first#none }" ;;
    put\ *) add "$@" ;;
    esac
}

# Inserts the rule at the place that was found, and looks whether it is live there.
add() {
    chain=$(word 2 "$first") number=$(word 3 "$first") only=$(word 4 "$first")
    if [ "$dry" ]; then
        echo "would add: $*: as rule $number of $chain"
        return
    fi
    case $1 in -i) ;; *) set -- ${only:+-i "$only"} "$@" ;; esac
    why=$("$program" -w -I "$chain" "$number" "$@" -m comment --comment "$comment $mark" -j ACCEPT 2>&1) ||
        { fail "$*: $program -I: $why"; return; }
    note_undo "$program -w -D $(quote "$chain") $* -m comment --comment \"$comment $mark\" -j ACCEPT"
    read_live && look "$@" || return
    case $first in
    ok\ *) echo "added: $*: rule $(word 3 "$first") of $(word 2 "$first")" ;;
    *) fail "$*: added as rule $number of $chain, and not live there: look at $program -S" ;;
    esac
}

# Removes the copies of the rule that do nothing, the last first, so that the numbers hold.
remove_dead_copies() {
    dead=$(printf '%s\n' "$answer" | grep '^dead ' | sort -k 2,2 -k 3,3nr)
    [ "$dead" ] || return 0
    while read -r _ chain number; do
        if [ "$dry" ]; then
            echo "would remove: $*: the copy that does nothing, rule $number of $chain"
        elif delete_rule "$chain" "$number"; then
            echo "removed: $*: the copy that did nothing, rule $number of $chain"
        fi
    done <<END
$dead
END
    [ "$dry" ] || { read_live && look "$@"; }
}

# Takes out the ACCEPT rules that carry the mark, the last first.
take_back() {
    marked=$(printf '%s\n' "$live" | awk -v target=ACCEPT "$words $find_marked" | sort -k 1,1 -k 2,2nr)
    [ "$marked" ] || { echo "$program has no rule with the mark $mark"; return 0; }
    while read -r chain number; do
        if [ "$dry" ]; then
            echo "would take out: $("$program" -w -S "$chain" "$number")"
        elif delete_rule "$chain" "$number"; then
            echo "taken out: $rule"
        fi
    done <<END
$marked
END
}
