import { h, type VNode } from 'preact';
import type { SvgNode } from '../picture/svg.ts';

/** Converts a picture, which is plain data, to nodes of Preact. */
export function nodeOf(node: SvgNode): VNode {
  return h(
    node.tag,
    node.attributes,
    node.children.map((child) => (typeof child === 'string' ? child : nodeOf(child))),
  );
}
