# A rule of `iptables -S` as words for a shell, without its chain. With `mark`, that is put at the end of the comment; with
# `unmark`, it is taken off there, and so are -p and --tcp-flags.
function quoted(word) {
    if (word ~ /^[A-Za-z0-9_.,:\/=+!@%-]+$/) return word
    gsub(/\047/, "\047\\\047\047", word)
    return "\047" word "\047"
}
function put(word) { line = line " " quoted(word) }
/^-A / {
    n = split_words($0, w); line = ""; commented = 0
    for (i = 3; i <= n; i++) {
        if (unmark != "") {
            if (w[i] == "!" && (w[i + 1] == "-p" || w[i + 1] == "--tcp-flags")) continue
            if (w[i] == "-p" || (w[i] == "-m" && w[i + 1] == "tcp")) { i++; continue }
            if (w[i] == "--tcp-flags") { i += 2; continue }
            if (w[i] == "-m" && w[i + 1] == "comment" && w[i + 3] == unmark) { i += 3; continue }
        }
        if (w[i] == "-j" && mark != "" && !commented) { put("-m"); put("comment"); put("--comment"); put(mark) }
        put(w[i])
        if (w[i] == "--comment") {
            commented = 1; i++
            if (mark != "") w[i] = w[i] " " mark
            if (unmark != "" && index(w[i], " " unmark) == length(w[i]) - length(unmark)) w[i] = substr(w[i], 1, length(w[i]) - length(unmark) - 1)
            put(w[i])
        }
    }
    print substr(line, 2)
}
