import IMAPWire
