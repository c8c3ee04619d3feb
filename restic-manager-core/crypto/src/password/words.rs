//! Pieces that well-known passwords are made of. Only what is chosen often belongs here: each word makes
//! the rule stricter for everybody.

/// Neighbours on keyboards, in the alphabet and among the digits.
pub(super) const ROWS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "12345678901",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "!@#$%^&*()",
    "!\"#$%&/()=",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujmikolp",
    "zaqxswcdevfrbgtnhymjukilop",
    "147258369",
    "159357",
    "789456123",
];

/// The lengths of all words that the text starts with.
pub(super) fn lengths_at(characters: &[char]) -> impl Iterator<Item = usize> {
    let starts_with = |word: &&str| {
        characters.len() >= word.len()
            && characters.iter().zip(word.chars()).all(|(left, right)| *left == right)
    };
    words().filter(starts_with).map(str::len)
}

fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|line| line.split_ascii_whitespace())
}

/// By subject, ASCII lower case, three letters or more.
const WORDS: &[&str] = &[
    // Words for passwords, and what is typed instead of one.
    "password passwort passwd passw0rd pass pwd mypassword motdepasse contrasena wachtwoord parola senha haslo
     secret geheim private login logon letmein openup opensesame trustno1 whatever nothing something changeme
     changeit change default temporary temp test tester testing testtest guest user username demo example sample
     welcome hello hallo bonjour hola enter access allow please newpass newpassword firstpass",
    // Systems and work.
    "admin administrator root toor superuser sysadmin system server master manager operator support service
     office company business work home house computer laptop desktop windows microsoft linux ubuntu debian
     apple macbook google android samsung internet network router wifi firewall database oracle postgres mysql
     cisco dell lenovo nokia backup backups restore restic storage cloud docker kubernetes production security
     monitor webmaster website email mail gmail hotmail yahoo facebook twitter instagram youtube amazon netflix
     developer engineer teacher student school college university library hacker matrix",
    // Love, people, family.
    "iloveyou iloveu ilovegod ilove love loveyou lovely lover loveme forever always baby babygirl babyboy angel
     honey sweetie sweetheart darling princess prince queen king beauty beautiful pretty sexy sexylady hottie
     family mother father mommy daddy mama papa brother sister friend friends bestfriend girlfriend boyfriend
     wife husband children lady woman girl girls boys dude buddy happy smile kisses kiss heart",
    // Given names that lead the lists.
    "michael michelle jessica jennifer ashley daniel andrew joshua matthew anthony robert thomas charlie charles
     jordan taylor hannah amanda nicole samantha elizabeth stephanie christian christine christopher william
     richard patrick steven joseph justin brandon jonathan nathan nicholas alexander alexandra alexis victoria
     vanessa veronica natalie natasha melissa rebecca rachel sarah laura emily maria marina monica sandra andrea
     barbara patricia martin peter george david james john paul mark kevin brian jason eric adam alex sam max
     tom ben joe bob jim tim dan anna emma julia sofia sophie olivia lucas oscar felix simon stefan sebastian
     florian tobias markus andreas claudia sabine petra carlos pedro juan jose luis miguel fernando roberto
     francesco giovanni giuseppe antonio marco mario pierre jean louis nicolas camille mohamed ahmed ali",
    // Animals and nature.
    "monkey dragon tiger lion eagle falcon hawk wolf bear panda puppy kitty kitten cat dog doggy fish dolphin
     shark horse pony rabbit bunny turtle snake spider butterfly chicken turkey buster maggie ginger pepper
     cookie cooper bailey shadow smokey rocky sunshine sunny sunflower flower flowers rose lily daisy jasmine
     summer winter spring autumn fall sommer herbst fruehling rain rainbow snow snowball storm thunder
     lightning ocean river mountain forest garden island beach earth planet moon star stars starlight sky
     skywalker heaven fire water ice diamond crystal silver golden gold copper iron steel",
    // Colours, numbers, time.
    "red blue green yellow orange purple pink black white grey gray brown one two three four five six seven
     eight nine ten zero hundred thousand million january february march april may june july august september
     october november december januar februar maerz mai juni juli oktober dezember monday tuesday wednesday
     thursday friday saturday sunday weekend morning night midnight today tomorrow birthday christmas
     newyear holiday",
    // Sports and play.
    "football soccer baseball basketball hockey tennis golf golfer cricket rugby racing runner player
     game games gamer gaming poker casino winner champion champions team yankees cowboys lakers steelers
     eagles broncos raiders packers dodgers redsox liverpool chelsea arsenal manchester united everton celtic
     rangers barcelona realmadrid madrid juventus milan inter bayern dortmund ronaldo messi jordan23 kobe",
    // Films, books, music.
    "superman batman spiderman ironman hulk avengers starwars darthvader startrek yoda jedi pokemon pikachu
     naruto sonic mario zelda minecraft fortnite roblox warcraft callofduty killer hunter ranger rangers
     soldier warrior knight wizard magic merlin gandalf frodo harry potter harrypotter hogwarts phoenix
     griffin nirvana metallica slipknot eminem rockstar rocknroll music guitar piano drummer dancer dance
     disney mickey mickeymouse donald minnie snoopy garfield winnie tigger pooh barbie elvis beatles",
    // Food, things, cars.
    "chocolate cheese banana apple cherry strawberry peach lemon coffee beer whiskey vodka wine pizza burger
     butter sugar candy cookie cookies peanut pumpkin money dollar rich lucky power powerful strong ferrari
     porsche mercedes audi bmw toyota honda nissan ford mustang chevy corvette camaro harley yamaha kawasaki
     suzuki mazda volvo jaguar cadillac",
    // Places.
    "america american usa canada mexico brazil brasil argentina england london scotland ireland france paris
     germany deutschland berlin hamburg munich muenchen austria vienna italy italia rome spain espana
     portugal holland amsterdam sweden norway denmark finland poland russia moscow turkey istanbul india
     delhi mumbai china beijing japan tokyo korea australia sydney africa newyork boston chicago dallas
     houston texas florida california vegas",
    // Belief, swearing, moods.
    "jesus christ jesuschrist god godisgood bless blessed blessing faith grace hope peace freedom liberty
     fuck fuckyou fuckoff fucker shit bitch asshole bastard pussy dick cool awesome crazy stupid loser
     freak devil satan death dead blood ghost zombie vampire demon hell legend genius boss bigboss gangster
     thug ninja samurai assassin sniper",
    // Letters and digits that are typed for want of an idea.
    "abc abcd abc123 a1b2c3 aa11 qwe asd zxc qaz wsx asdf qwer zxcv yxcv qwerty qwertz azerty abc12345
     123abc 12345a a12345 q1w2e3 1q2w3e 112233 121212 123123 123321 654321 696969 007 420 1234 4321",
    // Small words in between.
    "the and for you your are was our mine this that with from not all new old big little super mega ultra
     best good bad number first last top hot",
];

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    #[test]
    fn words_are_plain_and_long_enough() {
        for word in super::words() {
            assert!(word.len() >= 3, "{word}");
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{word}");
        }
    }

    #[test]
    fn the_list_stays_a_compact_one() {
        let mut seen = HashMap::new();
        super::words().for_each(|word| *seen.entry(word).or_insert(0) += 1);
        assert!((600..1500).contains(&seen.len()), "{}", seen.len());
    }
}
