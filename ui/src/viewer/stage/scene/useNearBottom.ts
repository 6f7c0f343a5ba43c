import { useEffect } from 'react';

/** How near to the lower edge a pointer means the bar, in CSS pixels. */
const NEAR = 44;

/** Sees the pointer without taking it from the picture; a drag that ends down there means no bar. */
export function useNearBottom(act: () => void): void {
  useEffect(() => {
    const look = (event: PointerEvent) => {
      const near = window.innerHeight - event.clientY < NEAR;
      if (near && event.buttons === 0 && event.pointerType === 'mouse') act();
    };
    window.addEventListener('pointermove', look, { passive: true });
    return () => window.removeEventListener('pointermove', look);
  }, [act]);
}
