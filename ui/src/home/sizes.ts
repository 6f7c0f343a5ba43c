/** The sizes that people choose from: what most screens and most networks carry. */
export const sizes = [
  { id: '720p', label: '1280 × 720', hint: 'quickest', width: 1280, height: 720 },
  { id: '1080p', label: '1920 × 1080', hint: 'sharper', width: 1920, height: 1080 },
] as const;

export type SizeId = (typeof sizes)[number]['id'];
