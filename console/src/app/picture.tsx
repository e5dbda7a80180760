import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Life } from '../../../src/domain/life/life.ts';
import { drawLife } from '../picture/draw-life.ts';
import { markInWords } from '../picture/marks.ts';
import { nodeOf } from './svg-view.tsx';

const HINT = 'Point at a mark, or reach it with the tab key, to read its facts.';

/** The picture of a session's life, as wide as its frame. It is scrolled to its end, where a theft is. */
export function Picture({ life }: { readonly life: Life }) {
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  const [chosen, setChosen] = useState<number | null>(null);
  useLayoutEffect(() => {
    const { current } = frame;
    if (current === null) return;
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (frame.current !== null) frame.current.scrollLeft = frame.current.scrollWidth;
  }, [width]);
  const choose = ({ target }: Event) => {
    const number = numberOf(target);
    if (number !== null) setChosen(number);
  };
  const mark = life.marks.find(({ number }) => number === chosen);
  return (
    <figure>
      <section
        ref={frame}
        class="picture"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a picture that scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label="The life of the session"
        onFocusIn={choose}
        onPointerOver={choose}
      >
        {width > 0 && nodeOf(drawLife(life, { width }))}
      </section>
      <figcaption>{mark === undefined ? HINT : markInWords(mark)}</figcaption>
    </figure>
  );
}

/** The number of the mark that contains this element; null if no mark contains it. */
function numberOf(target: EventTarget | null): number | null {
  const link = target instanceof Element ? target.closest('a.mark') : null;
  const digits = link?.getAttribute('href')?.match(/\d+$/)?.[0];
  return digits === undefined ? null : Number(digits);
}
