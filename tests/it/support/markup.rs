//! What a browser and a Markdown parser make of an output.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// An element of a page, with what its tag says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// The text up to the next tag.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let own = self.attributes.iter().find(|(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str, class: &str) -> bool {
        let mut classes = self.attribute("class").unwrap_or_default().split(' ');
        self.name == name && classes.any(|own| own == class)
    }
}

/// Elements and comments of a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) elements: RefCell<Vec<Element>>,
    pub(crate) comments: Cell<usize>,
    /// Whether the last tag was one that ends an element.
    has_ended: Cell<bool>,
    /// Errors of the tokenizer.
    pub(crate) errors: RefCell<Vec<String>>,
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(Tag {
                kind: TagKind::StartTag,
                name,
                attrs,
                ..
            }) => {
                let attributes = attrs
                    .iter()
                    .map(|attr| (attr.name.local.to_string(), attr.value.to_string()));
                let element = Element {
                    name: name.to_string(),
                    attributes: attributes.collect(),
                    text: String::new(),
                };
                self.elements.borrow_mut().push(element);
                self.has_ended.set(false);
                match &*name {
                    "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
                    "style" => return TokenSinkResult::RawData(RawKind::Rawtext),
                    "title" => return TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => {}
                }
            }
            Token::TagToken(_) => self.has_ended.set(true),
            Token::CharacterTokens(text) if !self.has_ended.get() => {
                if let Some(last) = self.elements.borrow_mut().last_mut() {
                    last.text.push_str(&text);
                }
            }
            Token::CommentToken(_) => self.comments.set(self.comments.get() + 1),
            Token::ParseError(why) => self.errors.borrow_mut().push(format!("{line}: {why}")),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Parses a page as browsers do.
pub(crate) fn page(text: &str) -> Page {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(text));
    let options = TokenizerOpts {
        exact_errors: true,
        ..TokenizerOpts::default()
    };
    let tokenizer = Tokenizer::new(Page::default(), options);
    while let html5ever::TokenizerResult::Script(()) = tokenizer.feed(&queue) {}
    tokenizer.end();
    tokenizer.sink
}

/// Elements that pages have.
const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "body",
    "button",
    "caption",
    "code",
    "dd",
    "defs",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "input",
    "label",
    "li",
    "line",
    "main",
    "meta",
    "option",
    "output",
    "p",
    "path",
    "pattern",
    "pre",
    "rect",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "title",
    "tr",
    "tspan",
    "ul",
];

/// Attributes that pages have: none runs a script, loads anything, or is a style.
const ATTRIBUTES: &[&str] = &[
    "aria-hidden",
    "aria-label",
    "aria-labelledby",
    "aria-live",
    "autocomplete",
    "charset",
    "class",
    "content",
    "d",
    "data-node",
    "data-verdict",
    "fill",
    "focusable",
    "height",
    "href",
    "http-equiv",
    "id",
    "lang",
    "name",
    "patternTransform",
    "patternUnits",
    "patterntransform",
    "patternunits",
    "placeholder",
    "preserveaspectratio",
    "role",
    "scope",
    "tabindex",
    "text-anchor",
    "type",
    "value",
    "vector-effect",
    "viewbox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// Returns what a page has that none of this program has, whatever the log said.
pub(crate) fn foreign(text: &str) -> Vec<String> {
    let page = page(text);
    let mut wrong = page.errors.take();
    if page.comments.get() > 0 {
        wrong.push("it has a comment".to_owned());
    }
    let elements = page.elements.take();
    for element in &elements {
        if !ELEMENTS.contains(&element.name.as_str()) {
            wrong.push(format!("it has an element {}", element.name));
        }
        for (name, value) in &element.attributes {
            if !ATTRIBUTES.contains(&name.as_str()) {
                wrong.push(format!("it has an attribute {name}"));
            }
            if name == "href" && !value.starts_with('#') {
                wrong.push(format!("it leads to {value}"));
            }
        }
    }
    for (name, most) in [("script", 2), ("style", 1), ("title", 1), ("body", 1)] {
        let number = elements.iter().filter(|one| one.name == name).count();
        if number > most {
            wrong.push(format!("it has {number} elements {name}"));
        }
    }
    wrong
}

/// Returns what a Markdown text has that none of this program has, whatever the log said.
pub(crate) fn unwanted(text: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
    let mut wrong = Vec::new();
    let (mut is_code, mut html) = (false, String::new());
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_code = true,
            Event::End(TagEnd::CodeBlock) => is_code = false,
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::FootnoteDefinition(_)
                | Tag::MetadataBlock(_)),
            ) => wrong.push(format!("it has {tag:?}")),
            Event::InlineHtml(inline) => wrong.push(format!("it has HTML: {inline}")),
            Event::Html(part) => html.push_str(&part),
            Event::FootnoteReference(_)
            | Event::Rule
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::TaskListMarker(_) => {
                wrong.push(format!("it has {event:?}"));
            }
            Event::Text(text) if !is_code => {
                // Renderers look for these in text that is no code.
                let is_reference = text
                    .split('#')
                    .skip(1)
                    .any(|behind| behind.starts_with(|c: char| c.is_ascii_digit()));
                if is_reference
                    || text.contains('@')
                    || text.contains("://")
                    || text.contains("www.")
                {
                    wrong.push(format!("it refers to something: {text}"));
                }
            }
            _ => {}
        }
    }
    // The elements that fold the evidence, and nothing in their lines but words of this program.
    for line in html.lines() {
        let title = line
            .strip_prefix("<summary>")
            .and_then(|line| line.strip_suffix("</summary>"));
        let is_title =
            title.is_some_and(|title| title.chars().all(|c| c.is_ascii_alphanumeric() || c == ' '));
        if !is_title && !["<details>", "</details>", ""].contains(&line) {
            wrong.push(format!("it has HTML: {line}"));
        }
    }
    wrong
}
