//! Contrast of the tokens, computed from the file that defines them: 4.5 for text, 3 for graphics (WCAG 2.2 AA).

use std::collections::HashMap;

const TOKENS: &str = include_str!("../assets/css/tokens.css");
const STATES: [&str; 5] = ["good", "warn", "bad", "running", "unknown"];

#[test]
fn text_and_graphics_stand_out_in_both_themes() {
    for (theme, colours) in themes() {
        let ratio = |front: &str, back: &str| contrast(colours[front], colours[back]);
        let mut demands: Vec<(String, String, f64)> = Vec::new();
        let mut demand =
            |front: &str, back: &str, least: f64| demands.push((front.to_owned(), back.to_owned(), least));
        for surface in ["bg", "surface", "sunken"] {
            for text in ["text", "muted", "accent", "accent-strong"] {
                demand(text, surface, 4.5);
            }
            for state in STATES {
                demand(state, surface, 4.5);
            }
            demand("edge", surface, 3.0);
        }
        for state in STATES {
            demand(state, &format!("{state}-soft"), 4.5);
            demand("text", &format!("{state}-soft"), 4.5);
        }
        demand("accent-strong", "accent-soft", 4.5);
        demand("text", "accent-soft", 4.5);
        demand("muted", "accent-soft", 4.5);
        demand("on-accent", "accent", 4.5);
        demand("on-accent", "accent-strong", 4.5);
        demand("on-bad", "bad", 4.5);
        for text in ["code-text", "code-muted", "code-bad", "code-accent"] {
            demand(text, "code-bg", 4.5);
        }
        for (front, back, least) in demands {
            let ratio = ratio(&front, &back);
            assert!(ratio >= least, "{theme}: {front} on {back} has {ratio:.2}, needs {least}");
        }
    }
}

type Colour = [f64; 3];

fn themes() -> [(&'static str, HashMap<String, Colour>); 2] {
    let mut light = HashMap::new();
    let mut dark = HashMap::new();
    for line in TOKENS.lines() {
        let Some((name, value)) =
            line.trim().strip_prefix("--").and_then(|line| line.split_once(": light-dark("))
        else {
            continue;
        };
        let colours: Vec<Colour> = value.split("oklch(").skip(1).map(parse).collect();
        let [first, second] = colours[..] else { panic!("{name} needs two colours") };
        light.insert(name.to_owned(), first);
        dark.insert(name.to_owned(), second);
    }
    assert!(light.len() > 25, "the tokens were read");
    [("light", light), ("dark", dark)]
}

fn parse(text: &str) -> Colour {
    let inside = text.split(')').next().unwrap();
    let numbers: Vec<f64> =
        inside.split_whitespace().map(|part| part.trim_end_matches('%').parse().unwrap()).collect();
    linear_srgb(numbers[0] / 100.0, numbers[1], numbers[2].to_radians())
}

/// OKLCH to linear sRGB, clipped to what screens show (coefficients of the CSS Color 4 specification).
fn linear_srgb(lightness: f64, chroma: f64, hue: f64) -> Colour {
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
    .map(|channel| channel.clamp(0.0, 1.0))
}

fn contrast(one: Colour, other: Colour) -> f64 {
    let luminance = |[red, green, blue]: Colour| 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_conversion_knows_black_white_and_red() {
    assert!((contrast(linear_srgb(1.0, 0.0, 0.0), linear_srgb(0.0, 0.0, 0.0)) - 21.0).abs() < 0.01);
    let red = linear_srgb(0.627_96, 0.257_68, 29.234_f64.to_radians());
    assert!((red[0] - 1.0).abs() < 0.01 && red[1] < 0.01 && red[2] < 0.01);
}
