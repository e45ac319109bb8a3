# The words of a line of `iptables -S`: double quotes hold blanks, a backslash the next character.
function split_words(line, out,    n, i, c, word, open, quoted) {
    n = 0; word = ""; open = 0; quoted = 0
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "\\" && quoted) { i++; word = word substr(line, i, 1) }
        else if (c == "\"") { quoted = !quoted; open = 1 }
        else if (c == " " && !quoted) { if (open) { out[++n] = word; word = ""; open = 0 } }
        else { word = word c; open = 1 }
    }
    if (open) out[++n] = word
    return n
}
