// Two soft tones. A browser that wants a click first, or has no sound, stays silent: the title says the same.

const TONES_HZ = [660, 880];
const TONE_S = 0.22;

export function chime(): void {
  try {
    const audio = new AudioContext();
    TONES_HZ.forEach((hz, nth) => {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const begins = audio.currentTime + nth * TONE_S;
      tone.frequency.value = hz;
      volume.gain.setValueAtTime(0.0001, begins);
      volume.gain.exponentialRampToValueAtTime(0.2, begins + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, begins + TONE_S);
      tone.connect(volume).connect(audio.destination);
      tone.start(begins);
      tone.stop(begins + TONE_S);
      if (nth === TONES_HZ.length - 1) tone.onended = () => void audio.close();
    });
  } catch {
    // There is no sound here.
  }
}
