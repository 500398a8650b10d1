/** docs/OPERATIONS.md as a page of the console. Each heading is a place that a check or an alarm can point to. */
import { Marked } from 'marked';
import { anchorOf } from '../src/operations.ts';

/** `style`: name of the style sheet beside it. */
export function operationsPage(markdown: string, style: string): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      // Other pages of docs/ are not here: named, not linked.
      link({ href, tokens }) {
        const words = this.parser.parseInline(tokens);
        return href.startsWith('#') ? `<a href="${href}">${words}</a>` : words;
      },
      table(token) {
        const cell = (tag: string, cells: typeof token.header) =>
          cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('');
        const rows = token.rows.map((row) => `<tr>${cell('td', row)}</tr>`).join('\n');
        // Wider than a phone: scrolled by touch, wheel and keyboard.
        return `<div class="scroll" tabindex="0"><table><thead><tr>${cell('th', token.header)}</tr></thead><tbody>${rows}</tbody></table></div>\n`;
      },
      html({ text }) {
        return escaped(text);
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`;
      },
    },
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>Operations – Afterwrite</title>
<link rel="icon" href="icon.svg" type="image/svg+xml" />
<link rel="stylesheet" href="${style}" />
</head>
<body class="document">
<header><a href="../#/health">Back to the console</a></header>
<main>
${marked.parse(markdown, { async: false })}</main>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
