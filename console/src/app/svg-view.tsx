import { h, type VNode } from 'preact';
import type { SvgNode } from '../picture/svg.ts';

/** Renders a picture that is plain data. */
export function nodeOf(node: SvgNode): VNode {
  return h(
    node.tag,
    node.attributes,
    node.children.map((child) => (typeof child === 'string' ? child : nodeOf(child))),
  );
}
