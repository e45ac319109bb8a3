# Follows a new connection through the live filter table (`iptables -S` on stdin), from INPUT on, as far as the rule that
# is wanted (proto, sport, dport, source, iface) has packets there. Prints one answer, and the dead copies of the rule:
#   ok CHAIN N          rule N of CHAIN accepts them all already
#   put CHAIN N IFACE   the place: before rule N, the first LOG with the prefix, else the first that drops all of them
#   log CHAIN N         where that LOG itself stands (it may be in a chain below the place)
#   no TEXT             a rule on the way is about this port and stops it or has a further condition: somebody has decided
#   none TEXT           there is no place
# Where WITHIN names a chain, only what happens there counts. Else the answer is `none` where some of the packets are
# dropped in one place, and others in another or nowhere.
#   dead CHAIN N        a copy that is never reached

function number_of(proto) { return proto in PROTO ? PROTO[proto] : proto }

# An IPv4 address as a number; the first address of a network divided by its size, so that equal means inside.
function block(net, bits,    at, quad) {
    split(net, at, "/")
    split(at[1], quad, ".")
    return int((((quad[1] * 256 + quad[2]) * 256 + quad[3]) * 256 + quad[4]) / 2 ^ (32 - bits))
}
function bits_of(net,    at) { return split(net, at, "/") > 1 ? at[2] + 0 : (net ~ /:/ ? 128 : 32) }
function full(net) { return net ~ /\// ? net : net "/" bits_of(net) }

# How a network of a rule lies to the wanted source: all, some or none of the wanted packets come from it.
function from(net,    mine, theirs) {
    theirs = bits_of(net)
    if (theirs == 0) return "all"
    if (source == "") return "some"
    if (full(net) == full(source)) return "all"
    if (net ~ /:/) return "some"
    mine = bits_of(source)
    if (mine >= theirs) return block(source, theirs) == block(net, theirs) ? "all" : "none"
    return block(source, mine) == block(net, mine) ? "some" : "none"
}

# How ports of a rule (`22`, `2379:2380`, `80,443`) lie to the wanted ones. Sets `names` where they are about these ports:
# a list of fewer than half of all ports that has some of them.
function ports(list, wanted,    parts, n, i, r, w, at, last, best, size) {
    if (wanted == "") return "some"
    n = split(list, parts, ",")
    split(wanted, w, ":"); if (w[2] == "") w[2] = w[1]
    best = "none"
    for (i = 1; i <= n; i++) {
        split(parts[i], at, ":"); last = at[2] == "" ? at[1] : at[2]
        size += last - at[1] + 1
        if (last + 0 < w[1] + 0 || at[1] + 0 > w[2] + 0) continue
        r = (at[1] + 0 <= w[1] + 0 && last + 0 >= w[2] + 0) ? "all" : "some"
        if (best != "all") best = r
    }
    if (best != "none" && size < 32768) names = 1
    return best
}

function opposite(how) { return how == "all" ? "none" : how == "none" ? "all" : "some" }
function interface(name) {
    if (name == "+") return "all"
    if (name == "lo") return iface == "lo" ? "all" : "none"
    if (iface == "" || any_interface) return "all"
    if (name ~ /\+$/) return index(iface, substr(name, 1, length(name) - 1)) == 1 ? "all" : "none"
    return name == iface ? "all" : "none"
}

# Notes a rule: its target, its matches without comment and limit, and how they lie to the wanted packets (`rel` without
# the source, `src` by the source). `partly`: it takes those that open a connection, all of them, and maybe no others.
# `narrow`: it has a condition besides protocol, port and interface that may keep some of the wanted packets out.
function note(chain, line,    w, n, i, k, value, how, not, at, target) {
    n = split_words(line, w)
    at = ++count[chain]
    k = chain SUBSEP at
    text[k] = line
    rel[k] = "all"; src[k] = "all"; key[k] = ""; target = ""; names = 0
    for (i = 3; i <= n; i++) {
        not = 0
        if (w[i] == "!") { not = 1; i++ }
        value = w[i + 1]; how = ""
        if (w[i] == "-j" || w[i] == "-g") {
            target = value; jump[k] = w[i]
            for (i += 2; i <= n; i++) if (w[i] == "--log-prefix") prefix_of[k] = w[i + 1]
            break
        }
        if (w[i] == "-m") { i++; continue }
        if (w[i] == "--comment") { comment[k] = value; i++; continue }
        if (w[i] == "--limit" || w[i] == "--limit-burst") { limit[k] = narrow[k] = 1; i++; continue }
        key[k] = key[k] " " (not ? "! " : "") w[i] " " value
        if (w[i] == "-s") {
            src[k] = not ? opposite(from(value)) : from(value)
            if (bits_of(value) > 0) sourced[k] = narrow[k] = 1
            if (!not) exact_s[k] = full(value); else other[k] = 1
            i++; continue
        }
        if (w[i] == "-p") {
            if (!not) exact_p[k] = value; else other[k] = 1
            how = proto == "" ? "some" : number_of(value) == number_of(proto) ? "all" : "none"
        } else if (w[i] == "--dport" || w[i] == "--dports") {
            if (!not) exact_d[k] = value; else other[k] = 1
            how = ports(value, dport)
        } else if (w[i] == "--sport") {
            if (!not) exact_t[k] = value; else other[k] = 1
            how = sport == "" ? "some" : value == sport ? "all" : "none"
            if (how == "some") narrow[k] = 1
        } else {
            other[k] = 1
            if (w[i] == "-i") {
                how = interface(value)
                if (!not) in_of[k] = value
                else if (how == "all" && (iface == "" || any_interface)) how = "none"
            }
            else if (w[i] == "--ctstate" || w[i] == "--state") {
                # A packet that was dropped is no part of a connection; it is NEW or INVALID.
                how = value ~ /NEW/ ? "all" : value ~ /INVALID|UNTRACKED/ ? "some" : "none"
                if (how == "all" && not) how = "some"
                else if (how == "all") partly[k] = 1
            } else if (w[i] == "--tcp-flags" || w[i] == "--syn") {
                how = "some"
                if (w[i] == "--syn" || (value == "FIN,SYN,RST,ACK" && w[i + 2] == "SYN")) {
                    if (!not) { how = "all"; partly[k] = 1 }
                }
                if (w[i] == "--tcp-flags") { key[k] = key[k] " " w[i + 2]; i++ } else i--
                if (how != "all") { narrow[k] = 1; loose(k, how); i++; continue }
            } else if (w[i] == "--dst-type" && value == "LOCAL") how = "all"
            else if (w[i] == "--match-set") { how = "some"; if (w[i + 2] ~ /src/) sourced[k] = 1; key[k] = key[k] " " w[i + 2]; i++ }
            else if (w[i] == "--src-range" || w[i] == "--mac-source") { how = "some"; sourced[k] = 1 }
            else if (w[i] == "--ports") { ports(value, dport); how = "some" }
            else if (w[i] == "-f") { how = "some"; i-- }
            else {
                # A match that is not known here: with as many words as stand before the next option.
                how = "some"
                if (value ~ /^-/ || value == "!") i--
                else while (i + 2 <= n && w[i + 2] !~ /^-/ && w[i + 2] != "!") { i++; key[k] = key[k] " " w[i + 1] }
            }
            if (how == "some") narrow[k] = 1
        }
        i++
        loose(k, not ? opposite(how) : how)
    }
    to[k] = target
    named[k] = names
}
function loose(k, how) {
    if (how == "none" || rel[k] == "none") rel[k] = "none"
    else if (how == "some") rel[k] = "some"
}

# How the whole rule lies to the wanted packets.
function lies(k) {
    if (rel[k] == "none" || src[k] == "none") return "none"
    if (rel[k] == "some" || src[k] == "some") return "some"
    return "all"
}
function is_stop(k) { return to[k] == "DROP" || to[k] == "REJECT" }
function is_log(k,    i) {
    if (to[k] != "LOG") return 0
    for (i = 1; i <= prefixes; i++) if (index(prefix_of[k], PREFIX[i]) == 1) return 1
    return 0
}
# Whether a LOG only speaks of the DROP of the same packets behind it, which are not the wanted ones.
function is_of_its_own(chain, at,    k, i) {
    k = chain SUBSEP at
    if (lies(k) == "all") return 0
    for (i = at + 1; i <= count[chain]; i++) {
        if (key[chain, i] != key[k]) return 0
        if (is_stop(chain SUBSEP i)) return 1
    }
    return 0
}

# The depth on the way of the chain that a rule goes into: none that other hooks share, or that only logs and drops.
function place(depth,    d) {
    for (d = depth; d > 1; d--)
        if (!(way_chain[d] in shared) && !is_drop_chain(way_chain[d], way_at[d])) break
    return d
}
# Ends the way: as found, or elsewhere than in the wanted chain.
function end(how, depth) {
    deep = depth
    found = how
    if (within != "" && way_chain[how == "ok" ? depth : place(depth)] != within) found = "elsewhere"
    return 1
}
# Whether the chains of the way from this depth on only log and drop.
function is_drop_way(depth) {
    for (; depth <= deep; depth++) if (!is_drop_chain(way_chain[depth], way_at[depth])) return 0
    return 1
}
# Notes where some of the packets end.
function branch(    d, at) {
    d = found == "ok" ? deep : place(deep)
    at = way_chain[d] SUBSEP way_at[d]
    if (branched == "") { branched = at; first_branch = way_chain[d] }
    else if (branched != at && parted == "")
        parted = "some of these packets go to " first_branch " and others to " way_chain[d] ", and which were dropped is not known: give the running chain to dropsift (iptables-save, --rules), which finds out where"
}

# Notes that somebody has decided about the port, if the rule stops it or `narrowed` takes only some of its packets.
function decides(chain, at, narrowed,    k, is_verdict) {
    k = chain SUBSEP at
    if (why != "" || rel[k] == "none" || comment[k] ~ / ?\[dropsift\]$/) return
    is_verdict = to[k] == "ACCEPT" || to[k] == "RETURN" || to[k] in count
    if (is_stop(k) && !narrow[k]) why = "rule " at " of " chain " drops this port by its number: " text[k]
    else if (is_stop(k) || (narrowed && is_verdict))
        why = "rule " at " of " chain " is about this port, and " (sourced[k] ? "for some sources only: " : "on a condition: ") text[k]
}
# Looks in a chain, to which only some of the packets come, for rules about the port.
function look_into(chain, about, depth,    i, k) {
    if (depth > 32 || ((chain SUBSEP about) in seen)) return
    seen[chain, about] = 1
    for (i = 1; i <= count[chain] && why == ""; i++) {
        k = chain SUBSEP i
        if ((about || named[k]) && to[k] != "RETURN" && !(to[k] in count)) decides(chain, i, 1)
        if (to[k] in count && rel[k] != "none") look_into(to[k], about || named[k], depth + 1)
        if (lies(k) == "all" && !partly[k] && !limit[k] && (to[k] == "ACCEPT" || to[k] == "RETURN" || is_stop(k))) return
    }
}

# Walks a chain; 1 where the way of the packets ends in it. `about`: a jump on the way named the port.
function walk(chain, about, depth,    i, k, how, mine, before, ended, left) {
    if (depth > 32) return 0
    for (i = 1; i <= count[chain]; i++) {
        k = chain SUBSEP i
        way[depth] = k; way_chain[depth] = chain; way_at[depth] = i
        if (is_log(k)) {
            if (is_of_its_own(chain, i)) continue
            return end("log", depth)
        }
        how = lies(k)
        mine = about || named[k]
        if (mine && !(how == "all" && to[k] == "ACCEPT" && !limit[k])) decides(chain, i, narrow[k])
        if (how == "none") {
            if (rel[k] != "none" && to[k] in count) look_into(to[k], mine, depth + 1)
            continue
        }
        if (to[k] == "ACCEPT") {
            if (how == "all" && !partly[k] && !limit[k]) return end("ok", depth)
        } else if (is_stop(k)) {
            if (how != "all" || limit[k]) continue
            return end("stop", depth)
        } else if (to[k] == "RETURN") {
            if (how == "all" && !partly[k] && !limit[k]) {
                if (mine && why == "") why = "rule " i " of " chain " lets this port leave the chain: " text[k]
                return 0
            }
            if (how == "some") leaves = 1
        } else if (to[k] in count) {
            if (how == "all" && !limit[k]) {
                before = leaves; leaves = 0
                ended = walk(to[k], mine, depth + 1)
                left = leaves; leaves = before
                if (ended && left && (exploring || found == "elsewhere")) {
                    # Some of the packets came back, and go on here.
                    if (found == "log") branch()
                    if (jump[k] == "-g") { leaves = 1; return 1 }
                    found = ""
                    continue
                }
                if (ended) return 1
                if (jump[k] == "-g") return 0
            } else if ((narrow_jumps || exploring) && walk(to[k], mine, depth + 1)) {
                if (exploring) { if (found == "log" && !is_drop_way(depth + 1)) branch() }
                else if (found != "elsewhere" && (within != "" || (found != "stop" && is_filter(way_chain[deep], way_at[deep])))) return 1
                found = ""
            }
            if (!exploring && (how != "all" || limit[k])) look_into(to[k], mine, depth + 1)
        }
    }
    return 0
}

# Whether a chain accepts some before rule `at` and logs the others from there on.
function is_filter(chain, at,    i) {
    if (is_drop_chain(chain, at) && to[chain, at] != "ACCEPT") return 0
    for (i = at; i <= count[chain]; i++) if (is_log(chain SUBSEP i)) return 1
    return 0
}

# Reads the rules and walks. Mode 1 also follows jumps for some packets only, mode 2 takes any interface for the wanted one.
function start(mode,    i) {
    narrow_jumps = mode % 2; any_interface = mode > 1; found = ""; why = ""; leaves = 0
    split("", count)
    split("", rel); split("", src); split("", sourced); split("", other); split("", partly); split("", limit)
    split("", narrow); split("", seen); split("", in_of); split("", comment); split("", named); split("", to); split("", jump); split("", prefix_of)
    split("", exact_s); split("", exact_p); split("", exact_d); split("", exact_t)
    for (i = 1; i <= chains; i++) count[CHAIN[i]] = 0
    for (i = 1; i <= lines; i++) { split(LINE[i], at_, " "); note(at_[2], LINE[i]) }
    split("", shared); reach("FORWARD", shared); reach("OUTPUT", shared)
    if (!walk("INPUT", 0, 1) && policy["INPUT"] == "DROP") {
        way_chain[1] = "INPUT"; way_at[1] = count["INPUT"] + 1; way[1] = ""
        end("stop", 1)
    }
    if (found == "elsewhere") found = ""
}

# Chains that a hook leads to.
function reach(chain, into,    i, k) {
    if (chain in into) return
    into[chain] = 1
    for (i = 1; i <= count[chain]; i++) {
        k = chain SUBSEP i
        if (to[k] in count) reach(to[k], into)
    }
}

# Whether nothing but logging and marking stands before rule `at` of a chain: it only logs and drops.
function is_drop_chain(chain, at,    i, t) {
    for (i = 1; i < at; i++) {
        t = to[chain, i]
        if (t == "ACCEPT" || t == "RETURN" || is_stop(chain SUBSEP i) || t in count) return 0
    }
    return 1
}

# Whether the rule is the wanted one, whatever its comment.
function is_copy(k) {
    return to[k] == "ACCEPT" && iface != "lo" && !other[k] && !limit[k] && number_of(exact_p[k]) == number_of(proto) && exact_d[k] == dport &&
        exact_t[k] == sport && exact_s[k] == (source == "" ? "" : full(source))
}

BEGIN {
    n = split("icmp 1 igmp 2 tcp 6 udp 17 gre 47 esp 50 ah 51 icmpv6 58 ipv6-icmp 58 ospf 89 pim 103 vrrp 112 sctp 132 udplite 136", p, " ")
    for (i = 1; i < n; i += 2) PROTO[p[i]] = p[i + 1]
    within = ENVIRON["WITHIN"]
    prefixes = split(ENVIRON["LOG_PREFIXES"], PREFIX, "\n")
}
/^-P / { CHAIN[++chains] = $2; policy[$2] = $3 }
/^-N / { CHAIN[++chains] = $2 }
/^-A / { LINE[++lines] = $0 }
END {
    # The first way of reading that comes to a LOG holds, else the first that comes to a DROP.
    if (within == "") { exploring = 1; start(0); if (found == "log" || found == "ok") branch(); exploring = 0 }
    best = -1
    for (mode = 0; mode <= 3; mode++) {
        # Of a known chain the first jump to it counts, whoever takes it.
        if (within != "" && mode % 2 == 0) continue
        start(mode)
        if (found == "log" || (found == "ok" && (best < 0 || mode == 1))) break
        if (found != "" && best < 0) best = mode
    }
    if (mode > 3) start(best < 0 ? (within == "" ? 0 : 1) : best)
    gsub(/[^[:print:]]/, "?", why)
    split("", below); reach("INPUT", below)
    log_chain = way_chain[deep]; log_at = way_at[deep]
    if (parted != "") print "none " parted
    else if (found == "ok") print "ok", log_chain, log_at
    else if (why != "") print "no", why
    else if (found == "" && within != "") print "none none of these packets is dropped in " within " any more: give the running chain to dropsift (iptables-save, --rules) anew"
    else if (found == "") {
        if (!("INPUT" in count)) print "none the filter table has no INPUT chain"
        else if (!("HARVESTER_INPUT" in count)) print "none there is no chain HARVESTER_INPUT, and nothing that INPUT reaches logs with the prefix or drops all: apply the documented chain first"
        else if (count["HARVESTER_INPUT"] == 0) print "none the chain HARVESTER_INPUT is empty, and nothing that INPUT reaches logs with the prefix or drops all: apply the documented chain first"
        else if (!("HARVESTER_INPUT" in below)) print "none INPUT has no jump to HARVESTER_INPUT, so its rules see no packet: apply the documented chain first"
        else print "none nothing that INPUT reaches logs with the prefix or drops all: apply the documented chain first"
    } else {
        d = place(deep)
        print "put", way_chain[d], way_at[d], in_of[way[d]]
        if (found == "log") print "log", log_chain, log_at
    }
    if (found == "" || why != "" || parted != "") exit
    for (c = 1; c <= chains; c++) {
        chain = CHAIN[c]
        if (!(chain in below)) continue
        closed = 0
        for (i = 1; i <= count[chain]; i++) {
            k = chain SUBSEP i
            if (closed && is_copy(k)) print "dead", chain, i
            if (is_stop(k) && key[k] == "" && !limit[k]) closed = 1
        }
    }
}
