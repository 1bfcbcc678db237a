"""What every chart is drawn with: spans, bars, arrows, marks, words and letters."""
