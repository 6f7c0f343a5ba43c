/** Copies; false when the browser does not allow it. Pages without HTTPS have no clipboard API, hence the old way. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  // Inside an open dialog, where focus may go.
  (document.querySelector('[role="dialog"]') ?? document.body).append(field);
  field.select();
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way on a page without HTTPS
    return document.execCommand('copy');
  } finally {
    field.remove();
  }
}
