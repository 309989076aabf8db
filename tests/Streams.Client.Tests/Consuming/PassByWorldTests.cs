using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>Random worlds after the reference model: producers that move between lanes and send again what was not answered; a reader
/// that loses its connection,
/// its memory and its patience for nothing. Each event is given, once, and in the order of its producer.</summary>
public class PassByWorldTests
{
    private const int Lanes = 4;
    private const int Producers = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public void Nothing_is_lost_nothing_comes_twice_and_no_order_is_turned(int holdBack)
    {
        for (int i = 0; i < 150; i++)
        {
            SeededRandom random = Seeds.Next();
            new World(random, holdBack).Run();
        }
    }

    private sealed record Entry(char Producer, long Sequence, (string Lane, long Offset)[] After);

    private sealed class Producer
    {
        public long Next { get; set; } = 1;

        public string At { get; set; } = "A.1";

        public List<long> Unanswered { get; } = [];

        public Dictionary<string, long> Stand { get; } = [];
    }

    private sealed class World(SeededRandom random, int holdBack)
    {
        private readonly Dictionary<string, List<Entry>> _lanes = Enumerable.Range(0, Lanes).ToDictionary(static i =>
            $"{(char)('A' + i)}.1", static _ => new List<Entry>());
        private readonly Dictionary<char, Producer> _producers = Enumerable.Range(0, Producers).ToDictionary(static i => (char)('p' + i),
            static _ => new Producer());
        private readonly Dictionary<string, long> _sent = [];
        private readonly ReaderStory _story = new(holdBack, patience: -1);
        private readonly Dictionary<(char, long), int> _given = [];
        private readonly Dictionary<char, long> _last = [];
        private readonly HashSet<(char, long)> _unacknowledged = [];
        private readonly List<string> _trace = [];
        private int _resumesSeen;

        public void Run()
        {
            for (int step = 0; step < 400; step++)
            {
                switch (random.Next(10))
                {
                    case < 4:
                        Produce();
                        break;
                    case < 8:
                        Deliver();
                        break;
                    default:
                        Trouble();
                        break;
                }
            }

            AcknowledgeAll();
            while (Deliver())
            {
                AcknowledgeAll();
            }

            long produced = _producers.Values.Sum(static p => p.Next - 1);
            Assert.True(_given.Count == produced, Why($"{_given.Count} of {produced} were given, {_story.Reader.Held} are held"));
        }

        private void Produce()
        {
            char name = (char)('p' + random.Next(Producers));
            Producer producer = _producers[name];
            if (random.Next(6) == 0)
            {
                Move(name, producer);
            }
            else if (random.Next(3) == 0)
            {
                Answer(name, producer);
            }
            else
            {
                producer.Unanswered.Add(producer.Next);
                Append(name, producer, producer.Next++);
            }
        }

        // What was not answered may stand where it was sent; the next cluster does not know of it, and is sent it again.
        private void Move(char name, Producer producer)
        {
            producer.At = _lanes.Keys.ElementAt(random.Next(Lanes));
            foreach (long sequence in producer.Unanswered)
            {
                Append(name, producer, sequence);
            }
        }

        private void Answer(char name, Producer producer)
        {
            int at = _lanes[producer.At].FindLastIndex(e => e.Producer == name);
            if (at >= 0 && producer.Unanswered.Count > 0)
            {
                producer.Stand[producer.At] = at;
                producer.Unanswered.Clear();
            }
        }

        private void Append(char name, Producer producer, long sequence)
        {
            _trace.Add($"{producer.At}@{_lanes[producer.At].Count} = {name}:{sequence}");
            _lanes[producer.At].Add(new Entry(name, sequence,
                [.. producer.Stand.Where(s => s.Key != producer.At).Select(static s => (s.Key, s.Value))]));
        }

        private bool Deliver()
        {
            string[] open = [.. _lanes.Where(l => _sent.GetValueOrDefault(l.Key) < l.Value.Count).Select(static l => l.Key)];
            if (open.Length == 0)
            {
                return false;
            }

            string lane = open[random.Next(open.Length)];
            long offset = _sent.GetValueOrDefault(lane);
            Entry entry = _lanes[lane][(int)offset];
            _sent[lane] = offset + 1;
            _trace.Add($"delivers {lane}@{offset}");
            _story.Events(lane, offset, entry.Producer, entry.Sequence, after: entry.After, acknowledge: false);
            Look();
            return true;
        }

        private void Trouble()
        {
            int what = random.Next(6);
            if (what < 2)
            {
                AcknowledgeSome();
                return;
            }

            if (what == 2)
            {
                _trace.Add("restart");
                _story.Restart();
                foreach ((char producer, long sequence) in _unacknowledged)
                {
                    _given.Remove((producer, sequence));      // handed out and not acknowledged: comes again
                    _last[producer] = Math.Min(_last[producer], sequence - 1);
                }

                _unacknowledged.Clear();
            }
            else
            {
                _trace.Add("reconnect");
                _story.Reconnect();
            }

            _resumesSeen = _story.Resumes.Count;
            foreach (string lane in _lanes.Keys)
            {
                _sent[lane] = _story.Reader.Confirmed()[ReaderStory.Lane(lane)].Value;
            }
        }

        private void Look()
        {
            for (; _resumesSeen < _story.Resumes.Count; _resumesSeen++)
            {
                string[] resume = _story.Resumes[_resumesSeen].Split('@');
                _sent[resume[0]] = long.Parse(resume[1]);
            }

            foreach (string line in _story.Log)
            {
                _trace.Add($"gives {line}");
                string[] parts = line.Split(' ')[1].Split(':');
                (char producer, long sequence) = (parts[0][0], long.Parse(parts[1]));
                Assert.True(_given.TryAdd((producer, sequence), 1), Why($"{producer}:{sequence} came twice"));
                Assert.True(sequence > _last.GetValueOrDefault(producer),
                    Why($"{producer}:{sequence} came behind {_last.GetValueOrDefault(producer)}"));
                _last[producer] = sequence;
                _unacknowledged.Add((producer, sequence));
            }

            _story.Log.Clear();
        }

        private void AcknowledgeSome()
        {
            foreach ((char producer, long sequence) in _unacknowledged.Where(_ => random.Next(2) == 0).ToArray())
            {
                Acknowledge(producer, sequence);
            }
        }

        private void AcknowledgeAll()
        {
            foreach ((char producer, long sequence) in _unacknowledged.ToArray())
            {
                Acknowledge(producer, sequence);
            }
        }

        private void Acknowledge(char producer, long sequence)
        {
            _story.Acknowledge(producer, sequence);
            _unacknowledged.Remove((producer, sequence));
        }

        private string Why(string what) => $"{what}; {random}, hold-back {holdBack}\n{string.Join('\n', _trace.TakeLast(80))}";
    }
}
