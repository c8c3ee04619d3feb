//! A form as a browser reads it out of a page and sends it.

/// The fields of the form that posts to `action`, as they are sent when nobody touches them.
pub(crate) fn untouched(page: &str, action: &str) -> Vec<(String, String)> {
    let start =
        page.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form posts to {action}"));
    let form = page[start..].split("</form>").next().unwrap();
    let mut fields = Vec::new();
    let mut rest = form;
    while let Some(at) = rest.find('<') {
        let (tag, after) = rest[at + 1..].split_once('>').unwrap();
        rest = after;
        let name = attribute(tag, "name");
        match (tag.split([' ', '\n']).next().unwrap(), name) {
            ("input", Some(name)) => fields.extend(input(tag).map(|value| (name, value))),
            ("textarea", Some(name)) => {
                let text = rest.split("</textarea>").next().unwrap();
                fields.push((name, normal(&unescaped(text.strip_prefix('\n').unwrap_or(text)))));
            }
            ("select", Some(name)) => fields.extend(chosen(rest).map(|value| (name, value))),
            _ => {}
        }
    }
    fields
}

/// As it goes over the wire; text areas end their lines with CR LF there.
pub(crate) fn encoded(fields: &[(String, String)]) -> String {
    let lines = fields.iter().map(|(name, value)| (name, value.replace('\n', "\r\n")));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(lines).finish()
}

fn input(tag: &str) -> Option<String> {
    let value = attribute(tag, "value").unwrap_or_default();
    match attribute(tag, "type").as_deref() {
        Some("checkbox" | "radio") => tag.contains(" checked").then_some(value),
        Some("hidden") => Some(value),
        // One line: whatever breaks it is dropped.
        _ => Some(value.replace(['\r', '\n'], "")),
    }
}

/// The option that is selected, or else the first.
fn chosen(rest: &str) -> Option<String> {
    let options = rest.split("</select>").next()?;
    let tags =
        || options.split("<option").skip(1).filter_map(|part| part.split_once('>').map(|(tag, _)| tag));
    let tag = tags().find(|tag| tag.contains(" selected")).or(tags().next())?;
    attribute(tag, "value")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

/// The value of a text area has line feeds alone, whatever was written.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn unescaped(text: &str) -> String {
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&#13;", "\r"),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}
