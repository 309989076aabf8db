using System.Globalization;
using System.Text;

namespace Streams.Core;

/// <summary>The answers to the batches of a bundle, as values of the user property <see cref="ProtocolTopics.PlacedProperty"/> of its
/// PUBACK. Each value is of one of three kinds: <c>=origin index:offset …</c>, batches that stand whole at one place of this lane;
/// <c>index first-last@origin:offset …</c>, a batch whose sequences stand at several places; <c>!index reason text</c>, a batch that was
/// refused, with the reason code in decimal. Indexes count from 0.</summary>
public static class BundleAnswers
{
    /// <summary>Longest value; a list of batches goes on in a further one.</summary>
    private const int MaxValue = 16 << 10;

    private const int MaxText = 200;

    /// <summary>The values that say what became of batches with these sequences.</summary>
    public static IReadOnlyList<string> Write(IReadOnlyList<BatchAnswer> answers, IReadOnlyList<(long First, long Last)> batches)
    {
        List<string> values = [];
        StringBuilder list = new();
        Origin lane = default;
        for (int i = 0; i < answers.Count; i++)
        {
            BatchAnswer answer = answers[i];
            if (!answer.IsTaken)
            {
                values.Add(string.Create(CultureInfo.InvariantCulture, $"!{i} {answer.Reason} {Cut(answer.Text)}"));
            }
            else if (answer.Placed is [{ } whole] && (whole.First, whole.Last) == batches[i])
            {
                if (list.Length > 0 && (whole.Origin != lane || list.Length > MaxValue))
                {
                    values.Add(list.ToString());
                    list.Clear();
                }

                if (list.Length == 0)
                {
                    lane = whole.Origin;
                    list.Append(CultureInfo.InvariantCulture, $"={lane}");
                }

                list.Append(CultureInfo.InvariantCulture, $" {i}:{whole.FirstOffset.Value}");
            }
            else
            {
                values.Add(string.Create(CultureInfo.InvariantCulture, $"{i} {string.Join(' ', answer.Placed)}"));
            }
        }

        if (list.Length > 0)
        {
            values.Add(list.ToString());
        }

        return values;
    }

    /// <summary>Reads the values; <see langword="null"/> when they are malformed or do not answer each batch once.</summary>
    public static IReadOnlyList<BatchAnswer>? Read(IReadOnlyList<string> values, IReadOnlyList<(long First, long Last)> batches)
    {
        BatchAnswer?[] answers = new BatchAnswer?[batches.Count];
        foreach (string value in values)
        {
            bool good = value.StartsWith('=') ? ReadWhole(value, batches, answers)
                : value.StartsWith('!') ? ReadRefused(value, answers) : ReadPlaced(value, answers);
            if (!good)
            {
                return null;
            }
        }

        List<BatchAnswer> all = new(answers.Length);
        foreach (BatchAnswer? answer in answers)
        {
            if (answer is not { } told)
            {
                return null;
            }

            all.Add(told);
        }

        return all;
    }

    private static bool ReadWhole(string value, IReadOnlyList<(long First, long Last)> batches, BatchAnswer?[] answers)
    {
        string[] words = value.Split(' ');
        bool good = Origin.TryParse(words[0][1..], out Origin lane) && words.Length > 1;
        for (int i = 1; i < words.Length && good; i++)
        {
            int colon = words[i].IndexOf(':', StringComparison.Ordinal);
            good = colon > 0 && TryNumber(words[i].AsSpan(0, colon), out long index)
                && TryNumber(words[i].AsSpan(colon + 1), out long offset)
                && TrySet(answers, index, new BatchAnswer(0, string.Empty, [Placed(index, lane, offset)]));
        }

        return good;

        PlacedRun Placed(long index, Origin origin, long offset) => index < batches.Count
            ? new PlacedRun(batches[(int)index].First, batches[(int)index].Last, origin, new Offset(offset)) : default;
    }

    private static bool ReadPlaced(string value, BatchAnswer?[] answers)
    {
        string[] words = value.Split(' ');
        List<PlacedRun> placed = [];
        for (int i = 1; i < words.Length; i++)
        {
            if (!PlacedRun.TryParse(words[i], out PlacedRun run))
            {
                return false;
            }

            placed.Add(run);
        }

        return placed.Count > 0 && TryNumber(words[0], out long index) && TrySet(answers, index, new BatchAnswer(0, string.Empty, placed));
    }

    private static bool ReadRefused(string value, BatchAnswer?[] answers)
    {
        string[] words = value[1..].Split(' ', 3);
        return words.Length == 3 && TryNumber(words[0], out long index) && TryNumber(words[1], out long reason)
            && reason is >= 0x80 and <= 0xFF && TrySet(answers, index, new BatchAnswer((byte)reason, words[2], []));
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool TrySet(BatchAnswer?[] answers, long index, in BatchAnswer answer)
    {
        if (index >= answers.Length || answers[index] is not null)
        {
            return false;
        }

        answers[index] = answer;
        return true;
    }

    private static string Cut(string text) => text.Length <= MaxText ? text : text[..MaxText];
}
