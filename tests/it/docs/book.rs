//! docs/ as a book and as pages of a repository: each page stands in the table of contents, and each link leads somewhere in
//! both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CONTENTS: &str = "docs/SUMMARY.md";
/// The pages outside docs/ that have links.
const OTHERS: [&str; 3] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// The links and the headings of a page, and its HTML other than comments.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
    html: Vec<String>,
}

/// Returns the anchor of a heading, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) if !html.starts_with("<!--") => {
                page.html.push(html.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap());
                let count = seen.entry(name.clone()).or_default();
                page.anchors.insert(match *count {
                    0 => name,
                    n => format!("{name}-{n}"),
                });
                *count += 1;
            }
            _ => {}
        }
    }
    page
}

/// Returns the pages of docs/, without the table of contents, by their path in the repository.
fn chapters() -> BTreeSet<PathBuf> {
    fn find(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                find(&path, found);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.insert(path);
            }
        }
    }
    let mut found = BTreeSet::new();
    find(Path::new("docs"), &mut found);
    assert!(found.remove(Path::new(CONTENTS)));
    found
}

/// Returns the path that a link of `page` names, from the root of the repository; none where it leaves it.
fn target(page: &Path, link: &str) -> Option<PathBuf> {
    let mut path = page.parent().unwrap().to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => path.pop().then_some(())?,
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    Some(path)
}

fn page(path: &Path) -> Page {
    read(&fs::read_to_string(Path::new(ROOT).join(path)).unwrap())
}

#[test]
fn the_contents_list_each_page() {
    let listed: Vec<PathBuf> = (page(Path::new(CONTENTS)).links.iter())
        .map(|link| target(Path::new(CONTENTS), link).unwrap())
        .collect();
    let unique: BTreeSet<PathBuf> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "a page stands there twice");
    assert_eq!(unique, chapters());
    // The reader begins with what to do first.
    assert_eq!(listed[0], Path::new("docs/README.md"));
    let book: toml::Table = fs::read_to_string(Path::new(ROOT).join("book.toml"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(book["book"]["src"].as_str(), Some("docs"));
    // mdBook makes index.html of a README.md, but not of a link to it.
    let redirects = book["output"]["html"]["redirect"].as_table().unwrap();
    for path in unique.iter().filter(|path| path.ends_with("README.md")) {
        let path = path.strip_prefix("docs").unwrap().with_extension("html");
        let to = &redirects[&format!("/{}", path.display())];
        assert_eq!(to.as_str(), Some("index.html"), "{}", path.display());
    }
}

#[test]
fn what_looks_like_html_is_text() {
    for path in chapters().into_iter().chain(OTHERS.map(PathBuf::from)) {
        assert_eq!(page(&path).html, Vec::<String>::new(), "{}", path.display());
    }
    assert_eq!(read("a <b> c\n\n<!-- d -->\n").html, ["<b>"]);
}

/// Returns why a link is dead, on GitHub or in the book.
fn fault(from: &Path, link: &str, in_book: bool) -> Option<&'static str> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let to = match file {
        "" => from.to_owned(),
        _ => match target(from, file) {
            Some(to) => to,
            None => return Some("leaves the repository"),
        },
    };
    let path = Path::new(ROOT).join(&to);
    if !path.exists() {
        return Some("no such file");
    }
    if in_book && !to.starts_with("docs") {
        return Some("is no part of the book");
    }
    if in_book && path.is_dir() {
        return Some("a folder has no page in the book");
    }
    if !anchor.is_empty() && !page(&to).anchors.contains(anchor) {
        return Some("no such heading");
    }
    None
}

#[test]
fn each_link_leads_somewhere() {
    let others = OTHERS.iter().map(|name| (PathBuf::from(name), false));
    let pages = chapters().into_iter().map(|path| (path, true));
    let (mut dead, mut number) = (String::new(), 0);
    for (path, in_book) in others.chain(pages) {
        for link in page(&path).links {
            number += 1;
            if let Some(why) = fault(&path, &link, in_book) {
                writeln!(dead, "{}: {link}: {why}", path.display()).unwrap();
            }
        }
    }
    assert!(dead.is_empty(), "{dead}");
    assert!(number > 60, "only {number} links were found");
}

#[test]
fn dead_links_are_found() {
    let cli = Path::new("docs/cli.md");
    for (link, in_book, why) in [
        ("causes.md#scan", true, None),
        ("#times", true, None),
        ("https://example.org/x", true, None),
        ("../README.md", false, None),
        ("../README.md", true, Some("is no part of the book")),
        ("deploy", true, Some("a folder has no page in the book")),
        ("deploy", false, None),
        ("causes.md#scans", true, Some("no such heading")),
        ("cause.md", true, Some("no such file")),
        ("../../x", true, Some("leaves the repository")),
    ] {
        assert_eq!(fault(cli, link, in_book), why, "{link}");
    }
    // GitHub and mdBook number what is there twice.
    let anchors = read("# A `b`, c_d (e)\n\n## A `b`, c_d (e)\n").anchors;
    assert_eq!(
        anchors.into_iter().collect::<Vec<_>>(),
        ["a-b-c_d-e", "a-b-c_d-e-1"]
    );
}
