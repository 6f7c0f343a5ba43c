import { inWords } from '@shared/http';

/** Saves what `load` brings as a file of this person's; the answer is why not. */
export async function saveAs(name: string, load: () => Promise<Blob>): Promise<string | null> {
  try {
    const url = URL.createObjectURL(await load());
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
    return null;
  } catch (error) {
    return inWords(error);
  }
}
