//! Puts every file below `templates` into the crate, so that no list of them has to be kept.

fn main() {
    minijinja_embed::embed_templates!("templates", &[".html"]);
}
