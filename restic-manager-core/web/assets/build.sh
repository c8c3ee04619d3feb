#!/bin/sh
# Rebuilds what is committed in dist/. Needed only after a change to css/, templates/ or the icon list; never to build or run the crate.
# Usage: npm install --no-save --prefix DIR tailwindcss@4.3 @tailwindcss/cli@4.3 lucide-static@1.62.0 htmx.org@2.0.11 && NODE_MODULES=DIR/node_modules ./build.sh
set -eu
cd "$(dirname "$0")"
modules=${NODE_MODULES:?set NODE_MODULES to the folder that holds the packages named above}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/web/assets" dist vendor
ln -s "$(cd "$modules" && pwd)" "$work/node_modules"
cp -r css "$work/web/assets/css"
cp -r ../templates "$work/web/templates"
"$modules/.bin/tailwindcss" --minify --input "$work/web/assets/css/app.css" --output dist/app.css

{
  printf '<svg xmlns="http://www.w3.org/2000/svg">'
  while read -r name; do
    body=$(sed -e '1,/^>$/d' -e '/^<\/svg>$/d' "$modules/lucide-static/icons/$name.svg" | tr -d '\n' | sed -e 's/> *</></g' -e 's/^ *//')
    printf '<symbol id="%s" viewBox="0 0 24 24">%s</symbol>' "$name" "$body"
  done < icons.txt
  printf '</svg>\n'
} > dist/icons.svg

cp "$modules/htmx.org/dist/htmx.min.js" vendor/htmx.min.js
cp "$modules/htmx.org/LICENSE" vendor/htmx.LICENSE
cp "$modules/lucide-static/LICENSE" vendor/lucide.LICENSE
