"""Given names and surnames from many languages, free to combine; none is meant to be anybody."""

from .blocks import terms

FIRST = terms("""
    Amara | Ngozi | Kwame | Thabo | Zanele | Aisha | Omar | Leila | Yusuf | Samira | Priya | Arjun | Ravi | Meera | Anjali |
    Mei | Wei | Jun | Hana | Kenji | Yuki | Sora | Minh | Linh | Thuy | Siti | Budi | Malia | Tane | Aroha | Olga | Dmitri |
    Katya | Ivana | Zoran | Jelena | Agnieszka | Paweł | Zsófia | Gábor | Ioana | Radu | Eleni | Nikos | Giulia | Matteo |
    Chiara | Lucía | Javier | Inés | João | Beatriz | Camille | Étienne | Margaux | Anneke | Pieter | Lotte | Jürgen | Heike |
    Astrid | Søren | Maja | Björn | Aino | Eero | Siobhán | Declan | Rhys | Fiona | Hamish | Grace | Owen | Harriet | Miles |
    Tessa | Caleb | Naomi | Dorothy | Walter | Rosa | Hugo | Clara | Felix | Ingrid | Viktor | Esther | Malik | Jamal | Keisha
""")

LAST = terms("""
    Okafor | Mensah | Dlamini | Achebe | Haddad | Nasser | Rahmani | Yilmaz | Demir | Sharma | Iyer | Banerjee | Kapoor |
    Chen | Zhao | Lin | Tanaka | Mori | Fujita | Park | Seo | Nguyen | Tran | Santos | Reyes | Wijaya | Ivanov | Petrenko |
    Novák | Kowalski | Wiśniewska | Horváth | Szabó | Popescu | Ionescu | Papadakis | Rossi | Bianchi | Ferrara | Moreno |
    Castillo | Quintero | Almeida | Carvalho | Lefèvre | Moreau | Dubois | de Vries | van den Berg | Jansen | Krüger |
    Hoffmann | Lindqvist | Sørensen | Halvorsen | Virtanen | O'Malley | Byrne | Gallagher | MacLeod | Pritchard | Ashworth |
    Whitfield | Caldwell | Hargreaves | Bennett | Fletcher | Barlow | Sutherland | Garrison | Marlowe | Whitaker | Kessler |
    Abernathy | Lockhart | Prescott | Delgado | Fonseca | Aguilar | Osei
""")
