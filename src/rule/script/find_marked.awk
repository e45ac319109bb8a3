# The chain and number of each rule with the target and the mark at the end of its comment.
/^-A / {
    n = split_words($0, w); at[w[2]]++; hit = 0
    for (i = 3; i <= n; i++) {
        if (w[i] == "--comment") { if (w[i + 1] ~ /(^| )\[dropsift\]$/) hit = 1; i++ }
        else if (w[i] == "-j" && w[i + 1] == target && hit) print w[2], at[w[2]]
    }
}
