"""Texts on which tokenizers differ, and one paragraph in many languages; all of them written for this project.

The page Tokenizers offers the first, and `zoo.tokenizers.across` measures on them; `zoo.tokenizers.fertility` counts
the tokens of the second.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A text that puts a tokenizer to a test."""

    text: str
    look: str
    """What to look at, in one sentence."""


@dataclass(frozen=True)
class Translation:
    """The paragraph in one language."""

    text: str
    spaces: bool
    """A space stands between two words. (In Vietnamese it stands between syllables.)"""


_ENGLISH = """\
She enjoys playing tennis. The quick brown fox jumps over the lazy dog.

Last summer we walked along the coast for three days. In the evening we made a fire, ate bread and cheese, \
and talked until the stars came out. "I could live like this," said my sister, and nobody laughed.
"""

_RARE = """\
The sesquipedalian ornithologist photographed a kookaburra from the campanile. Antidisestablishmentarianism, \
floccinaucinihilipilification and electroencephalography are rarely needed before breakfast. \
The zorbliquent flimmerwick snoogled: three words that nobody has written before.
"""

_NUMBERS = """\
7 + 8 = 15
123 + 456 = 579
9999 + 1 = 10000
12345 * 6789 = 83810205
3.14159 and 2.71828, 1,000,000 and 1000000
On 29 February 2024 at 23:59:58 it was -12.5 degrees.
"""

_CODE = '''\
def fibonacci(count: int) -> list[int]:
    """The first numbers of the sequence."""
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:count]


class Counter:
    def __init__(self, start=0):
        self.value = start

    def step(self, by=1):
        if by != 0:
            self.value += by
        return self.value


print(fibonacci(10), Counter(3).step(by=-1) == 2)
'''

_FRENCH = """\
L'été dernier, nous sommes allés à la mer. Où est passé le garçon qui jouait près de l'église ? Peut-être qu'il \
mange déjà une crêpe ; sa sœur préfère les gâteaux de Noël. « Ça suffit ! », dit la mère.
"""

_ARABIC = """\
ذهبتُ إلى السوق صباحًا واشتريتُ خبزًا وتفاحًا. سألني البائع: كيف حال والدتك؟ قلتُ له: بخير، والحمد لله. \
عدتُ إلى البيت في الساعة ١٢ ظهرًا.
"""

_CHINESE = """\
今天早上我去公园跑步，看见一位老人在湖边画画。他说：“春天来了，花都开了。”我们聊了很久，后来一起去喝茶。\
這句話用的是繁體字。
"""

_KOREAN = (
    "오늘은 날씨가 정말 좋네요! 친구들과 한강에 가서 라면을 먹었어요 \U0001f35c\n"
    "우리 가족: \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466, "
    "손 흔들기: \U0001f44b \U0001f44b\U0001f3fb \U0001f44b\U0001f3fd \U0001f44b\U0001f3ff, "
    "국기: \U0001f1f0\U0001f1f7 \U0001f1eb\U0001f1f7, "
    "개발자: \U0001f469\U0001f3fd\u200d\U0001f4bb, "
    "하트: \u2764\ufe0f\u200d\U0001f525 ㅋㅋㅋ\n"
)
"""Escaped, because an editor shows a family as one sign: joiners (200D), skin tones (1F3FB–1F3FF), flags."""

_DNA = """\
>made-up sequence
ATGGCCATTGTAATGGGCCGCTGAAAGGGTGCCCGATAG
TTACGGATCCGCTAGCTTAAGGCCTTAACCGGTTATATA
GCGCGCATATNNNNATCGATCGGGTACCCAATTTGCATG
"""

_ADDRESS = (
    "https://www.example.com/shop/Search?q=blue+tennis%20shoes&size=42&sort=price_desc&ref=a8F3-kL9_x#reviews "
    "user.name+newsletter@mail.example.org ftp://192.0.2.17:2121/~backup/2024-02-29_final(2).tar.gz\n"
)

PRESETS: dict[str, Preset] = {
    "Plain English": Preset(_ENGLISH, "Common words: which tokenizer needs one token for each, and which needs more?"),
    "Rare words": Preset(_RARE, "Long, rare and invented words: see where they are cut, and who has to say “unknown”."),
    "Numbers": Preset(_NUMBERS, "See whether a number is always cut in the same way: a model must add these pieces."),
    "Code": Preset(_CODE, "The indentation: one token for each blank, one for all of them, or nothing at all?"),
    "French": Preset(_FRENCH, "The accents: kept, dropped, or turned into bytes?"),
    "Arabic": Preset(_ARABIC, "Written from right to left, with vowel signs: a letter may cost two tokens."),
    "Chinese": Preset(_CHINESE, "No spaces between the words, and three bytes for each character."),
    "Korean and emoji": Preset(
        _KOREAN, "A family is four emoji with joiners between them, a flag is two letters: see what is torn apart."
    ),
    "DNA": Preset(_DNA, "Letters without words: pieces learned from English cut it at places that mean nothing."),
    "Web address": Preset(_ADDRESS, "Signs, codes and abbreviations: how much of it is cut in a readable way?"),
}
"""Name -> text; the first is what a visitor meets."""

PARALLEL: dict[str, Translation] = {
    "English": Translation(
        "My grandmother lives in a small house by the river. Every morning she drinks tea and reads the newspaper. "
        "On Sundays we cook together, and she tells me about the time when she was young.",
        spaces=True,
    ),
    "German": Translation(
        "Meine Großmutter wohnt in einem kleinen Haus am Fluss. Jeden Morgen trinkt sie Tee und liest die Zeitung. "
        "Sonntags kochen wir zusammen, und sie erzählt mir von der Zeit, als sie jung war.",
        spaces=True,
    ),
    "French": Translation(
        "Ma grand-mère habite une petite maison au bord de la rivière. Chaque matin, elle boit du thé et lit le "
        "journal. Le dimanche, nous cuisinons ensemble et elle me parle du temps où elle était jeune.",
        spaces=True,
    ),
    "Spanish": Translation(
        "Mi abuela vive en una casa pequeña junto al río. Cada mañana toma té y lee el periódico. Los domingos "
        "cocinamos juntos y ella me habla de la época en que era joven.",
        spaces=True,
    ),
    "Portuguese": Translation(
        "Minha avó mora em uma casa pequena à beira do rio. Toda manhã ela toma chá e lê o jornal. Aos domingos "
        "cozinhamos juntos, e ela me fala do tempo em que era jovem.",
        spaces=True,
    ),
    "Polish": Translation(
        "Moja babcia mieszka w małym domu nad rzeką. Każdego ranka pije herbatę i czyta gazetę. W niedziele gotujemy "
        "razem, a ona opowiada mi o czasach, gdy była młoda.",
        spaces=True,
    ),
    "Turkish": Translation(
        "Büyükannem nehrin kıyısında küçük bir evde yaşıyor. Her sabah çay içer ve gazete okur. Pazar günleri "
        "birlikte yemek yaparız ve bana gençliğini anlatır.",
        spaces=True,
    ),
    "Finnish": Translation(
        "Isoäitini asuu pienessä talossa joen rannalla. Joka aamu hän juo teetä ja lukee sanomalehteä. Sunnuntaisin "
        "laitamme yhdessä ruokaa, ja hän kertoo minulle ajasta, jolloin hän oli nuori.",
        spaces=True,
    ),
    "Vietnamese": Translation(
        "Bà tôi sống trong một ngôi nhà nhỏ bên bờ sông. Mỗi buổi sáng bà uống trà và đọc báo. Vào các ngày Chủ nhật, "
        "chúng tôi nấu ăn cùng nhau, và bà kể cho tôi nghe về thời bà còn trẻ.",
        spaces=False,
    ),
    "Russian": Translation(
        "Моя бабушка живёт в маленьком доме у реки. Каждое утро она пьёт чай и читает газету. По воскресеньям мы "
        "готовим вместе, и она рассказывает мне о времени, когда была молодой.",
        spaces=True,
    ),
    "Greek": Translation(
        "Η γιαγιά μου ζει σε ένα μικρό σπίτι δίπλα στο ποτάμι. Κάθε πρωί πίνει τσάι και διαβάζει την εφημερίδα. Τις "
        "Κυριακές μαγειρεύουμε μαζί και μου μιλάει για την εποχή που ήταν νέα.",
        spaces=True,
    ),
    "Arabic": Translation(
        "تعيش جدتي في بيت صغير بجانب النهر. تشرب الشاي كل صباح وتقرأ الجريدة. نطبخ معًا أيام الأحد، وتحدثني عن الزمن "
        "الذي كانت فيه شابة.",
        spaces=True,
    ),
    "Hebrew": Translation(
        "סבתא שלי גרה בבית קטן ליד הנהר. בכל בוקר היא שותה תה וקוראת עיתון. בימי ראשון אנחנו מבשלים יחד, והיא מספרת לי "
        "על הימים שבהם הייתה צעירה.",
        spaces=True,
    ),
    "Hindi": Translation(
        "मेरी दादी नदी के किनारे एक छोटे से घर में रहती हैं। हर सुबह वे चाय पीती हैं और अख़बार पढ़ती हैं। रविवार को हम साथ मिलकर "
        "खाना बनाते हैं, और वे मुझे अपनी जवानी के दिनों के बारे में बताती हैं।",
        spaces=True,
    ),
    "Thai": Translation(
        "คุณยายของฉันอาศัยอยู่ในบ้านหลังเล็กริมแม่น้ำ ทุกเช้าท่านดื่มชาและอ่านหนังสือพิมพ์ ทุกวันอาทิตย์เราทำอาหารด้วยกัน และท่านเล่าเรื่อง"
        "สมัยที่ท่านยังสาวให้ฉันฟัง",
        spaces=False,
    ),
    "Chinese": Translation(
        "我的奶奶住在河边的一座小房子里。她每天早上喝茶、看报纸。星期天我们一起做饭，她给我讲她年轻时候的事。",
        spaces=False,
    ),
    "Japanese": Translation(
        "祖母は川のそばの小さな家に住んでいます。毎朝、お茶を飲んで新聞を読みます。日曜日には一緒に料理をして、"
        "祖母は若かったころの話をしてくれます。",
        spaces=False,
    ),
    "Korean": Translation(
        "우리 할머니는 강가의 작은 집에 사십니다. 매일 아침 차를 마시고 신문을 읽으십니다. 일요일에는 함께 요리를 "
        "하고, 할머니는 젊었을 때의 이야기를 들려주십니다.",
        spaces=True,
    ),
}
"""Language -> the same paragraph; English first, because the others are compared with it."""
