"""Rarity, volume and isolation models over the lake."""
