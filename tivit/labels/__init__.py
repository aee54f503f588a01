"""What the labels need pixels or registrations for: the lag between labels and video, and which clips can be used."""
