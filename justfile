# What a contributor does; `just` lists it.

_default:
    @just --list

# Everything that CI runs.
ci:
    .ci/run

# Formatting, lints and tests, as fast as they go.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test

# The random tests with other cases than those of each run, so many times.
explore times="10":
    for n in $(seq {{times}}); do PROPTEST_RNG_SEED=$(shuf -i 1-999999999 -n 1) cargo test || exit; done

# Write the golden outputs anew; review the difference.
golden:
    UPDATE=1 cargo test --test it golden

# Write the generated pages of docs/ anew; review the difference.
docs:
    UPDATE=1 cargo test --test it docs

# Make the pictures of docs/browser.md anew; look at them.
shots:
    .ci/shots

# docs/ as a book, in target/book; needs mdbook.
book:
    mdbook build

# Licences, advisories and sources of the dependencies.
deny:
    cargo deny check

# The files of a release, in dist/: built, built again elsewhere and compared, opened and run; see docs/release.md.
release:
    .ci/release
    .ci/reproduce
    .ci/packages

# What `just release` uses.
release-tools:
    .ci/tools

# Known vulnerabilities of the dependencies; the list is a git repository that must be in reach.
advisories:
    cargo deny --locked check advisories

# The speed goals beside their peers, and the memory bound; takes minutes, and 7 GiB of corpora.
bench:
    benches/run

# A daemon in a flood of a million lines, of a file and of a journal; takes minutes.
soak lines="1000000" rate="20000":
    cargo build --release --bin dropsift --example soak
    for input in file journal; do for asks in bare metrics report; do \
        target/release/examples/soak target/release/dropsift $input {{lines}} {{rate}} $asks || exit; done; done

# Fuzz one target or all of them, so many seconds each; needs nightly and cargo-fuzz.
fuzz target="all" seconds="60":
    fuzz/run {{target}} {{seconds}}
