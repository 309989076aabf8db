using Streams.Testing;

namespace Streams.Client.Tests;

public class OpenOffsetsTests
{
    [Fact]
    public void It_agrees_with_a_sorted_set_whatever_is_added_and_closed()
    {
        SeededRandom random = Seeds.Next();
        OpenOffsets open = new();
        SortedSet<long> model = [];
        long next = 0;
        for (int i = 0; i < 20_000; i++)
        {
            if (random.Next(3) > 0)
            {
                long offset = random.Next(10) == 0 ? random.NextInt64(0, next + 1) : next += random.Next(1, 4);
                open.Add(offset, offset);
                model.Add(offset);
            }
            else
            {
                long offset = random.NextInt64(Math.Max(0, next - 50), next + 1);
                open.Close(offset, offset);
                model.Remove(offset);
            }

            if (random.Next(5) == 0 && model.Count > 0)
            {
                open.Close(model.Min, model.Min);
                model.Remove(model.Min);
            }

            Assert.True(open.Contains(next) == model.Contains(next) && (model.Count == 0 ? long.MaxValue : model.Min) == open.Lowest,
                $"step {i}, {random}");
        }
    }
}
