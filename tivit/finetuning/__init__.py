"""The network learns on from one take of one piano, whose notes are known; what that gained is measured on the rest."""
