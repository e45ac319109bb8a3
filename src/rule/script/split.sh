# Puts three limited LOG rules in place of one: TOOL INTERFACE
split_log() {
    [ "$here" ] && [ ! "$undo" ] || return 0
    tool=$1 interface=$2
    program "$tool" && read_live && look || return 0
    log=$(printf '%s\n' "$answer" | grep '^log ')
    [ "$log" ] || { fail "no LOG rule with the prefix is reached from INPUT: apply the documented chain first"; return 0; }
    chain=$(word 2 "$log") number=$(word 3 "$log")
    one=$("$program" -w -S "$chain" "$number")
    case $one in
    *" -p "*) echo "ok: rule $number of $chain logs one protocol only: the LOG rule is split already"; return 0 ;;
    *" --limit "*) ;;
    *) echo "not split: rule $number of $chain has no limit, so it hides nothing"; return 0 ;;
    esac
    if [ "$dry" ]; then
        echo "would split: rule $number of $chain into three"
        return 0
    fi
    eval "set -- $(printf '%s\n' "$one" | awk -v mark="$mark" "$words $requote")"
    at=$number
    insert -p tcp --syn "$@" && insert ! -p tcp "$@" && insert -p tcp ! --syn "$@" || return 0
    # The old rule goes last: at no time is the chain without a LOG, and its DROP is never touched.
    if [ "$("$program" -w -S "$chain" "$at")" = "$one" ] && delete_rule "$chain" "$at"; then
        echo "split: rule $number of $chain is three now"
    else
        fail "the old LOG rule is not rule $at of $chain any more, and was left: look at $program -S $chain"
    fi
}

# Inserts a LOG rule at $at of $chain, and moves on.
insert() {
    why=$("$program" -w -I "$chain" "$at" "$@" 2>&1) || { fail "$program -I $chain $at: $why"; return 1; }
    rule=$("$program" -w -S "$chain" "$at")
    note_undo "$program -w -D $(quote "$chain") $(printf '%s\n' "$rule" | awk "$words $requote")"
    at=$((at + 1))
}

# Puts one LOG rule back in place of those that carry the mark.
take_back() {
    marked=$(printf '%s\n' "$live" | awk -v target=LOG "$words $find_marked" | sort -k 1,1 -k 2,2nr)
    [ "$marked" ] || { echo "$program has no LOG rule with the mark $mark"; return 0; }
    chain=$(word 1 "$marked" | head -n 1) at=$(word 2 "$marked" | head -n 1)
    eval "set -- $("$program" -w -S "$chain" "$at" | awk -v unmark="$mark" "$words $requote")"
    if [ "$dry" ]; then
        echo "would put back: $*"
        return 0
    fi
    at=$((at + 1))
    insert "$@" || return 0
    while read -r chain number; do
        delete_rule "$chain" "$number" || return 0
    done <<END
$marked
END
    echo "put back: $*"
}
