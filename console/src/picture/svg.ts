import { escapeHtml } from '../../../src/lib/html.ts';

/** An element of an SVG document as plain data. A browser renders it to nodes, {@link renderSvg} to text. */
export interface SvgNode {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (SvgNode | string)[];
}

/** Creates an element. Text among the children is content, never markup. */
export function svg(
  tag: string,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly (SvgNode | string)[]
): SvgNode {
  return { tag, attributes, children };
}

/** The markup of an element. */
export function renderSvg(node: SvgNode | string): string {
  if (typeof node === 'string') return escapeHtml(node);
  const attributes = Object.entries(node.attributes).map(
    ([name, value]) => ` ${name}="${escapeHtml(withoutControls(String(value)))}"`,
  );
  return `<${node.tag}${attributes.join('')}>${node.children.map(childText).join('')}</${node.tag}>`;
}

function childText(child: SvgNode | string): string {
  return renderSvg(typeof child === 'string' ? withoutControls(child) : child);
}

/** XML cannot hold these characters in any form. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are the subject
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}
