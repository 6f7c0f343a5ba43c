// A search by words, in whatever order. Pure.

/** Does a text have all the words of a search in it? */
export function searchFor(search: string): (text: string) => boolean {
  const words = search.toLowerCase().split(/\s+/);
  return (text) => {
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
}
