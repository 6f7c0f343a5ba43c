// Lists that the scene answers, of which one message carries only so much. Pure.

/** The node cuts a list that is longer than 200,000 bytes; one of its entries has less than the difference. */
const SURELY_WHOLE_BYTES = 190_000;

/** Is it perhaps only the beginning of what there is? */
export function mayBeCut(list: unknown[]): boolean {
  return new TextEncoder().encode(JSON.stringify(list)).length > SURELY_WHOLE_BYTES;
}

/** Those of an answer that are what they should be; whatever else came is nothing. */
export function readList<T>(answer: unknown, isOne: (value: unknown) => value is T): T[] {
  return Array.isArray(answer) ? answer.filter(isOne) : [];
}
