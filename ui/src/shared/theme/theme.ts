import {
  createTheme,
  Modal,
  SegmentedControl,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';

const dusk: MantineColorsTuple = [
  '#eef2fd',
  '#dae2f8',
  '#b5c5f0',
  '#8fa9f2',
  '#718fe6',
  '#5a7adb',
  '#4a6acb',
  '#3f5fb8',
  '#334e9c',
  '#283e7f',
];

const lamp: MantineColorsTuple = [
  '#fff5e3',
  '#fdeacb',
  '#fad9a1',
  '#f7c473',
  '#f0ae4a',
  '#e59d31',
  '#c9841c',
  '#a56a10',
  '#8a5600',
  '#6b4200',
];

/** Mantine draws its dark scheme from these: text, dimmed, borders, fields, ground. */
const night: MantineColorsTuple = [
  '#e8ebf4',
  '#c5ccde',
  '#9ca7c2',
  '#76819f',
  '#2e3855',
  '#232c46',
  '#171e33',
  '#0c1120',
  '#090d19',
  '#060912',
];

const SANS = "'Instrument Sans', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

const surface = { backgroundColor: 'var(--surface)' };
const dialogTitle = {
  fontFamily: 'var(--mantine-font-family-headings)',
  fontSize: '1.6rem',
  lineHeight: 1.15,
};

export const theme = createTheme({
  colors: { dusk, lamp, dark: night },
  primaryColor: 'dusk',
  primaryShade: { light: 7, dark: 4 },
  autoContrast: true,
  black: '#1b2136',
  fontFamily: SANS,
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
  headings: { fontFamily: "'Instrument Serif', Georgia, 'Times New Roman', serif", fontWeight: '400' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    SegmentedControl: SegmentedControl.extend({
      styles: { root: { backgroundColor: 'var(--surface-sunk)' } },
    }),
    Modal: Modal.extend({ styles: { content: surface, header: surface, title: dialogTitle } }),
  },
});

/** Paper and ink by day; Mantine's own dimmed grey is too pale on paper. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f5f2eb',
    '--mantine-color-text': '#1b2136',
    '--mantine-color-dimmed': '#5a6179',
    '--mantine-color-placeholder': '#7d8396',
    '--mantine-color-default-border': 'rgb(38 44 70 / 22%)',
  },
  dark: { '--mantine-color-default-border': '#343f5e' },
});
